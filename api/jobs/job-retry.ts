import { setTimeout as delay } from 'node:timers/promises';
import { MAX_PAGE_LIMIT } from '../../contract/limits.ts';
import type { CopyOptions, FileEntry, FileRecord } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { FileState } from '../../contract/states.ts';
import { ListSink, type ListInput } from '../body/list-sink.ts';
import type { ParsedRequest } from '../body/parse-copy-request.ts';
import { DEFAULT_OPTIONS } from '../schemas/copy-options.ts';
import type { FoundJob, JobFinder } from './job-finder.ts';
import { JobNotRetryableError, type CopyAnswer, type Patience, type RetryJob, type Viewer } from './job-service.ts';
import type { JobViews } from './job-views.ts';
import type { JobWaiter } from './job-waiter.ts';

const INVALID = reason('INVALID_REQUEST', '');

/** Settling a job that was ended by force takes 2 to 4 s: the locks, late writes, a look at each file. In milliseconds. */
const SETTLING_MS = 5_000;
const SETTLING_LOOKS_MS = 250;

const RETRIED_STATES = ['Failed', 'Cancelled'] as const satisfies FileState[];

/**
 * Makes new jobs of what others did not get done. What became of the files of a job that has ended never changes, so a
 * repeated retry makes the same request, and is answered as any repeated request is.
 */
export class JobRetry {
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #waiter: JobWaiter;
  readonly #openInput: (correlationId: string) => ListInput;

  constructor(deps: {
    finder: JobFinder;
    views: JobViews;
    waiter: JobWaiter;
    openInput: (correlationId: string) => ListInput;
  }) {
    this.#finder = deps.finder;
    this.#views = deps.views;
    this.#waiter = deps.waiter;
    this.#openInput = deps.openInput;
  }

  /** Throws JobNotFoundError, JobNotRetryableError, ServiceUnavailableError. */
  async retry({ of, viewer, ...job }: RetryJob, patience?: Patience): Promise<CopyAnswer> {
    const found = await this.#settled(of, viewer);
    const status = await this.#views.status(of, found);
    // Of a job that was ended by force, somebody is still to look after the files.
    if (found.kind !== 'ended') {
      throw new JobNotRetryableError('unsettled', status);
    }
    // The other job's request is another one, even where it names the same files.
    if (job.correlationId === of) return { kind: 'conflict' };
    const options = { ...DEFAULT_OPTIONS, ...found.record.options };
    const list = new ListSink(() => this.#openInput(job.correlationId));
    const retry = await this.#listOf(list, of, found, options);
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

  /** The request for the files that are to be tried again; undefined: there are none. */
  async #listOf(
    list: ListSink,
    correlationId: string,
    found: FoundJob,
    options: CopyOptions,
  ): Promise<ParsedRequest | undefined> {
    try {
      return (await this.#addUnfinished(list, correlationId, found)) ? await list.finish(options) : undefined;
    } catch (error) {
      await list.abort();
      throw error;
    }
  }

  /** Adds the files that can be tried again, those that failed first. False: there are none. */
  async #addUnfinished(list: ListSink, correlationId: string, found: FoundJob): Promise<boolean> {
    let isAny = false;
    for (const state of RETRIED_STATES) {
      for (let from: number | null = 0; from !== null;) {
        const page = await this.#views.page(correlationId, found, { state, from, limit: MAX_PAGE_LIMIT });
        for (const file of page.files) {
          // A line of a manifest that was wrong is wrong again.
          if (file.message.startsWith(INVALID)) continue;
          list.add(toEntry(file));
          isAny = true;
        }
        await list.flush();
        from = page.next;
      }
    }
    return isAny;
  }
}

function toEntry({
  sourceCollectionId,
  destinationCollectionId,
  fileName,
  destinationFileName,
}: FileRecord): FileEntry {
  return { sourceCollectionId, destinationCollectionId, fileName, destinationFileName };
}
