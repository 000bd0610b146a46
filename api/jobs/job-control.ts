import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CANCEL_SIGNAL, PAUSE_SIGNAL, RESUME_SIGNAL } from '../../contract/ids.ts';
import type { JobStatus } from '../../contract/messages.ts';
import type { JobState } from '../../contract/states.ts';
import { DEADLINES, within } from './deadlines.ts';
import type { JobFinder } from './job-finder.ts';
import { JobEndedError, ServiceUnavailableError, type JobAction, type Viewer } from './job-service.ts';
import type { JobViews } from './job-views.ts';

const SIGNALS: Readonly<Record<JobAction, string>> = {
  cancel: CANCEL_SIGNAL,
  pause: PAUSE_SIGNAL,
  resume: RESUME_SIGNAL,
};

/**
 * The state in which a signal leaves a job, where it changes one. A worker that answers says it itself; without one the
 * signal waits, and is sure to be heard before anything else happens. A job that is paused before it is decided stays
 * Requested until it is.
 */
const STATE_AFTER: Readonly<Record<JobAction, Partial<Record<JobState, JobState>>>> = {
  cancel: { Requested: 'Cancelling', Processing: 'Cancelling', Paused: 'Cancelling' },
  pause: { Processing: 'Paused' },
  resume: { Paused: 'Processing' },
};

/** Sends jobs their signals. */
export class JobControl {
  readonly #client: Client;
  readonly #finder: JobFinder;
  readonly #views: JobViews;

  constructor(client: Client, finder: JobFinder, views: JobViews) {
    this.#client = client;
    this.#finder = finder;
    this.#views = views;
  }

  /** Sends the signal; answers the state after it. Throws JobNotFoundError, JobEndedError, ServiceUnavailableError. */
  async control(correlationId: string, viewer: Viewer, action: JobAction): Promise<JobStatus> {
    const found = await this.#finder.find(correlationId, viewer);
    if (found.kind !== 'running') throw new JobEndedError(await this.#views.status(correlationId, found));
    try {
      await within(this.#client, DEADLINES.signal, () =>
        this.#client.workflow.getHandle(correlationId).signal(SIGNALS[action]),
      );
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw new ServiceUnavailableError('temporal', error);
      // It has ended since it was found.
      throw new JobEndedError(await this.#status(correlationId, viewer));
    }
    const status = await this.#status(correlationId, viewer);
    return { ...status, state: STATE_AFTER[action][status.state] ?? status.state };
  }

  async #status(correlationId: string, viewer: Viewer): Promise<JobStatus> {
    return await this.#views.status(correlationId, await this.#finder.find(correlationId, viewer));
  }
}
