import type {
  CopyFilesInput,
  BulkRequest,
  ChunkPassRef,
  FilesPage,
  JobStatus,
  LiveStatus,
} from '../contract/messages.ts';
import { whileListing } from '../contract/listing.ts';
import { reason } from '../contract/reasons.ts';
import { addCounts, emptyCounts, isEndState } from '../contract/states.ts';
import type { ChunkOutcome } from '../activities/index.ts';
import { JobLife, type CarriedLife } from './job-life.ts';

/** Passes that are told of: far more than are under way, but for those that fail again and again. */
const MOST_TOLD = 100;

/** What a job takes along when it continues as a new run. */
export interface CarriedBulkBook extends CarriedLife {
  lost?: string | undefined;
  isUnlisted?: boolean;
}

/** A job of any number of files: it counts them, and knows none of them by name. */
export class BulkBook extends JobLife {
  #isCutShort = false;
  /** Why some files can be neither copied nor told of: `CODE: sentence`; undefined: there are none. */
  #lost: string | undefined;
  #isUnlisted = false;
  /** Why there is more of its source than could be listed, where that is told while the job goes on. */
  #sourceLoss = '';
  #isUnread = false;
  /** The news that was told last, as JSON. */
  #told = '';
  /** Passes whose results are not in the counts: those under way, and those that may have stored some unheard. */
  readonly underWay = new Set<ChunkPassRef>();
  /** Whether it knows of all its files. */
  isCounted = false;
  /** Whether there is more of its source to list. */
  isListing = false;

  constructor(correlationId: string, input: CopyFilesInput<BulkRequest>, carried?: CarriedBulkBook) {
    super(correlationId, input, emptyCounts(0), carried);
    this.#lost = carried?.lost;
    this.#isUnlisted = carried?.isUnlisted === true;
    if (this.#isUnlisted) this.#sourceLoss = carried?.lost ?? '';
  }

  override carry(): CarriedBulkBook {
    return { ...super.carry(), lost: this.#lost, ...(this.#isUnlisted && { isUnlisted: true }) };
  }

  override live(): LiveStatus {
    const underWay = Array.from(this.underWay)
      .slice(0, MOST_TOLD)
      .map(({ chunk, part, isUncertain }) => ({ chunk, part, ...(isUncertain === true && { isUncertain }) }));
    return { ...this.#standing(), ...(underWay.length > 0 && { underWay }), isCounted: this.isCounted };
  }

  /** The status; while the job goes on it says also where there may be more files than are counted. */
  #standing(): JobStatus {
    const status = this.status();
    if (isEndState(status.state)) return status;
    const message = status.message === '' ? this.#sourceLoss : status.message;
    return { ...status, message: this.isListing ? whileListing(message) : message };
  }

  /** Of a job that is accepted and goes on: one that is not decided is asked, and of one that has ended the record tells. */
  override news(): LiveStatus | undefined {
    if (!this.isAccepted || isEndState(this.state)) return undefined;
    const live = this.live();
    const text = JSON.stringify(live);
    if (text === this.#told) return undefined;
    this.#told = text;
    return live;
  }

  /** More files are known of. */
  plan(count: number): void {
    this.counts.requested += count;
    this.counts.pending += count;
  }

  /** Some files have come to their end. */
  settle(counts: ChunkOutcome['counts']): void {
    addCounts(this.counts, counts);
  }

  /** Every file without an end is cancelled: nothing of it is at its destination. */
  cancelRest(): void {
    this.counts.cancelled += this.counts.pending;
    this.counts.pending = 0;
  }

  /** The job is cancelled while files are listed: there are more than it knows of. */
  cutShort(): void {
    this.#isUnlisted = true;
    this.isListing = false;
    this.#stopBefore('all files under the prefix were listed');
  }

  /** The job is cancelled before its request is decided: of what it asks for, nobody knows how much was read. */
  leaveUnread(): void {
    this.#isUnread = true;
    this.#stopBefore('its request was decided');
  }

  #stopBefore(what: string): void {
    this.#isCutShort = true;
    this.explain(reason('CANCELLED', `the job was cancelled before ${what}`));
  }

  /** Some files can be neither copied nor told of: a chunk of the plan is gone, say. */
  lose(why: string): void {
    this.#lost ??= why;
  }

  /** The source cannot be listed any further. */
  loseSource(why: string): void {
    this.lose(why);
    this.#isUnlisted = true;
  }

  /** What is said of that while what is listed is copied. */
  tellSourceLoss(why: string): void {
    this.isListing = false;
    this.#sourceLoss = why;
  }

  /** Whether there may be files under the prefix that it does not know of, and will not. */
  get isUnlisted(): boolean {
    return this.#isUnlisted;
  }

  /** Whether it was cancelled before its request was decided. */
  get isUnread(): boolean {
    return this.#isUnread;
  }

  /**
   * As its files say; but whatever became of those that were listed, not all were where it was cut short, and what is
   * lost has failed.
   */
  override ending(now: number): JobStatus {
    const status = super.ending(now);
    if (this.#isCutShort) return { ...status, state: 'Cancelled' };
    if (this.#lost === undefined || status.state === 'Rejected') return status;
    const { counts } = status;
    const failed = { ...counts, failed: counts.failed + counts.pending, pending: 0 };
    const isFailed = counts.completed + counts.skipped + counts.cancelled === 0;
    const state = counts.cancelled > 0 ? 'Cancelled' : isFailed ? 'Failed' : 'CompletedWithErrors';
    return { ...status, counts: failed, state, message: this.#lost };
  }

  /** Its files stand in storage, not here. */
  page(): FilesPage {
    return { files: [], next: null, totalCount: 0, collections: this.collections, status: this.#standing() };
  }
}
