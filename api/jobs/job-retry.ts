import { MAX_PAGE_LIMIT } from '../../contract/limits.ts';
import type { FileEntry, FileRecord } from '../../contract/messages.ts';
import type { FileState } from '../../contract/states.ts';
import { listDigest } from '../request-digest.ts';
import { DEFAULT_OPTIONS } from '../schemas/copy-options.ts';
import type { FoundJob, JobFinder } from './job-finder.ts';
import { JobNotRetryableError, type CopyAnswer, type Patience, type RetryJob } from './job-service.ts';
import type { JobViews } from './job-views.ts';
import type { JobWaiter } from './job-waiter.ts';

const RETRIED_STATES = ['Failed', 'Cancelled'] as const satisfies FileState[];

/**
 * Makes new jobs of what others did not get done. What became of the files of a job that has ended never changes, so a
 * repeated retry makes the same request, and is answered as any repeated request is.
 */
export class JobRetry {
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #waiter: JobWaiter;

  constructor(deps: { finder: JobFinder; views: JobViews; waiter: JobWaiter }) {
    this.#finder = deps.finder;
    this.#views = deps.views;
    this.#waiter = deps.waiter;
  }

  /** Throws JobNotFoundError, JobNotRetryableError, ServiceUnavailableError. */
  async retry({ of, viewer, ...job }: RetryJob, patience?: Patience): Promise<CopyAnswer> {
    const found = await this.#finder.find(of, viewer);
    const status = await this.#views.status(of, found);
    // A job that was ended by force has files nobody has looked after yet.
    if (found.kind === 'running' || found.record === undefined || status.counts.pending > 0) {
      throw new JobNotRetryableError('unsettled', status);
    }
    const files = await this.#unfinished(of, found);
    if (files.length === 0) throw new JobNotRetryableError('nothing to retry', status);
    // The other job's request is another one, even where it names the same files.
    if (job.correlationId === of) return { kind: 'conflict' };
    const entries = files.map(toEntry);
    const options = { ...DEFAULT_OPTIONS, ...found.record.options };
    const retry = { request: { entries, options }, digest: listDigest(entries, options) };
    return await this.#waiter.copy({ ...job, ...retry }, patience);
  }

  async #unfinished(correlationId: string, found: FoundJob): Promise<FileRecord[]> {
    const files: FileRecord[] = [];
    for (const state of RETRIED_STATES) {
      for (let from: number | null = 0; from !== null;) {
        const page = await this.#views.page(correlationId, found, { state, from, limit: MAX_PAGE_LIMIT });
        files.push(...page.files);
        from = page.next;
      }
    }
    return files.sort((one, other) => one.index - other.index);
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
