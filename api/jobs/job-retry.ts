import { setTimeout as delay } from 'node:timers/promises';
import { LATE_WRITES_MS } from '../../contract/upkeep.ts';
import type { JobChunkStore } from '../../storage/job-chunks.ts';
import type { JobInputStore } from '../../storage/job-inputs.ts';
import type { FoundJob, JobFinder } from './job-finder.ts';
import { JobNotRetryableError, type CopyAnswer, type Patience, type RetryJob, type Viewer } from './job-service.ts';
import type { JobViews } from './job-views.ts';
import type { JobWaiter } from './job-waiter.ts';
import { retryRequest } from './retry-request.ts';

/** What settling a job that was ended by force takes: late writes, and some for its locks and a look at each file. */
const SETTLING_MS = LATE_WRITES_MS + 3_000;
const SETTLING_LOOKS_MS = 250;

/**
 * Makes new jobs of what others did not get done. What became of the files of a job that has ended never changes, so a
 * repeated retry makes the same request, and is answered as any repeated request is.
 */
export class JobRetry {
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #waiter: JobWaiter;
  readonly #chunks: JobChunkStore;
  readonly #inputs: JobInputStore;

  constructor(deps: {
    finder: JobFinder;
    views: JobViews;
    waiter: JobWaiter;
    chunks: JobChunkStore;
    inputs: JobInputStore;
  }) {
    this.#finder = deps.finder;
    this.#views = deps.views;
    this.#waiter = deps.waiter;
    this.#chunks = deps.chunks;
    this.#inputs = deps.inputs;
  }

  /** Throws JobNotFoundError, JobNotRetryableError, RequestGivenUpError, ServiceUnavailableError. */
  async retry({ of, viewer, reading, ...job }: RetryJob, patience?: Patience): Promise<CopyAnswer> {
    const found = await this.#settled(of, viewer);
    const status = await this.#views.status(of, found);
    // Of a job that was ended by force, somebody is still to look after the files.
    if (found.kind !== 'ended') {
      throw new JobNotRetryableError('unsettled', status);
    }
    // The other job's request is another one, even where it names the same files.
    if (job.correlationId === of) return { kind: 'conflict' };
    const openInput = () => this.#inputs.create(job.correlationId);
    const deps = { views: this.#views, chunks: this.#chunks, inputs: this.#inputs, openInput, signal: reading.signal };
    const retry = await retryRequest(deps, found.record);
    reading.onEnd();
    if (retry === undefined) throw new JobNotRetryableError('nothing to retry', status);
    // Not taken back where this fails: the job may have been started, and needs its list.
    return await this.#waiter.copy({ ...job, ...retry }, patience);
  }

  /** Finds the job. One that was ended by force is being settled from its first look on, which is waited for a while. */
  async #settled(correlationId: string, viewer: Viewer): Promise<FoundJob> {
    const giveUpAt = Date.now() + SETTLING_MS;
    for (;;) {
      const found = await this.#finder.find(correlationId, viewer);
      if (found.kind !== 'lost' || found.record === undefined || Date.now() >= giveUpAt) return found;
      await delay(SETTLING_LOOKS_MS);
    }
  }
}
