import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { GRPC_STATUS, grpcStatusOf } from '../../config/grpc-status.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import { isEndState, type JobState } from '../../contract/states.ts';
import { DEADLINES, within } from './deadlines.ts';
import type { JobFinder } from './job-finder.ts';
import {
  JobEndedError,
  JobOverSignalledError,
  ServiceUnavailableError,
  type JobAction,
  type Viewer,
} from './job-service.ts';
import type { JobViews } from './job-views.ts';
import { SIGNALS, stateAfter } from './waiting-signals.ts';

/** The states in which a signal changes nothing. A job that is Requested may be paused already, unseen. */
const UNCHANGED_BY: Readonly<Record<JobAction, readonly JobState[]>> = {
  cancel: ['Cancelling'],
  pause: ['Paused', 'Cancelling'],
  resume: ['Processing', 'Cancelling'],
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

  /**
   * Sends the signal, unless the job says that it would change nothing: a workflow takes 10,000 signals in its life.
   * Answers the state after it. Throws JobNotFoundError, JobEndedError, JobOverSignalledError, ServiceUnavailableError.
   */
  async control(correlationId: string, viewer: Viewer, action: JobAction): Promise<JobStatus> {
    const found = await this.#finder.find(correlationId, viewer);
    if (found.kind !== 'running') throw new JobEndedError(await this.#views.status(correlationId, found));
    const shown = found.execution.typedSearchAttributes.get(COPY_STATE);
    if (UNCHANGED_BY[action].some((state) => state === shown)) {
      // What is shown knows nothing of signals that are still to be heard; the workflow's own answer does.
      const live = await this.#views.live(correlationId, found);
      if (live !== undefined && UNCHANGED_BY[action].includes(live.state)) return live;
    }
    try {
      await within(this.#client, DEADLINES.signal, () =>
        this.#client.workflow.getHandle(correlationId).signal(SIGNALS[action]),
      );
    } catch (error) {
      // It has ended since it was found.
      if (error instanceof WorkflowNotFoundError) throw new JobEndedError(await this.#status(correlationId, viewer));
      // Refused for good: the workflow has had as many as it takes.
      const isRefused = grpcStatusOf(error) === GRPC_STATUS.INVALID_ARGUMENT;
      if (!isRefused) throw new ServiceUnavailableError('temporal', error);
      if (action !== 'cancel') throw new JobOverSignalledError(await this.#status(correlationId, viewer));
      await this.#cancelNatively(correlationId);
    }
    const status = await this.#status(correlationId, viewer);
    // It ended as the signal came: the signal has changed nothing, unless this is what it was sent for.
    const isDone = action === 'cancel' && status.state === 'Cancelled';
    if (isEndState(status.state) && !isDone) throw new JobEndedError(status);
    return { ...status, state: stateAfter(action, status.state) };
  }

  /** Does the same as the signal, and is not counted as one. */
  async #cancelNatively(correlationId: string): Promise<void> {
    try {
      await within(this.#client, DEADLINES.signal, () => this.#client.workflow.getHandle(correlationId).cancel());
    } catch (error) {
      throw new ServiceUnavailableError('temporal', error);
    }
  }

  /** As the workflow says itself, where a worker answers: by then it has heard the signal. */
  async #status(correlationId: string, viewer: Viewer): Promise<JobStatus> {
    const found = await this.#finder.find(correlationId, viewer);
    const live = found.kind === 'running' ? await this.#views.live(correlationId, found) : undefined;
    return live ?? (await this.#views.status(correlationId, found));
  }
}
