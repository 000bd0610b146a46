import type { Client } from '@temporalio/client';
import type { CopyStarter } from './copy-starter.ts';
import { until } from './deadlines.ts';
import type { JobFinder } from './job-finder.ts';
import type { CopyAnswer, NewJob, Patience } from './job-service.ts';
import type { JobViews } from './job-views.ts';
import type { UnusedInputs } from './unused-inputs.ts';

/** Requests that wait for a job's end at a time; each holds a long poll of Temporal. Others are answered as usual. */
const MAX_WAITING = 1_000;

/** Starts jobs for callers who may want to wait for the end. */
export class JobWaiter {
  readonly #client: Client;
  readonly #starter: CopyStarter;
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #unusedInputs: UnusedInputs;
  #waiting = 0;

  constructor(deps: {
    client: Client;
    starter: CopyStarter;
    finder: JobFinder;
    views: JobViews;
    unusedInputs: UnusedInputs;
  }) {
    this.#client = deps.client;
    this.#starter = deps.starter;
    this.#finder = deps.finder;
    this.#views = deps.views;
    this.#unusedInputs = deps.unusedInputs;
  }

  /** The job's decision and, where there is patience, how it stands when it ends or patience does. */
  async copy(job: NewJob, patience?: Patience): Promise<CopyAnswer> {
    const answer = await this.#copy(job, patience);
    // The answer does not wait for that.
    this.#unusedInputs.tidy(job, answer).catch(() => undefined);
    return answer;
  }

  async #copy(job: NewJob, patience: Patience | undefined): Promise<CopyAnswer> {
    if (patience === undefined || this.#waiting >= MAX_WAITING) return await this.#starter.copy(job);
    this.#waiting += 1;
    try {
      return await this.#copyAndWait(job, Date.now() + patience.forMs, patience.signal);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #copyAndWait(job: NewJob, deadline: number, signal: AbortSignal): Promise<CopyAnswer> {
    let answer = await this.#starter.copy(job);
    if (answer.kind === 'undecided' && Date.now() < deadline) {
      answer = await this.#starter.decision(job, deadline, signal);
    }
    if (answer.kind === 'conflict' || answer.kind === 'abandoned') return answer;
    if (answer.kind === 'decided') {
      if (answer.admission.decision !== 'accepted') return answer;
      await this.#ended(job.correlationId, deadline, signal);
    }
    const found = await this.#finder.find(job.correlationId, { caller: job.requestor.caller, isAdmin: false });
    return { ...answer, job: await this.#views.status(job.correlationId, found) };
  }

  /** Resolves when the workflow is closed, by Temporal's long poll, and when nobody waits for that any more. */
  async #ended(correlationId: string, deadline: number, signal: AbortSignal): Promise<void> {
    if (Date.now() >= deadline) return;
    try {
      await until(this.#client, deadline, () => this.#client.workflow.getHandle(correlationId).result(), signal);
    } catch {
      // However it ended, if it did, is for the job's status to say; a job that Temporal has forgotten has ended.
    }
  }
}
