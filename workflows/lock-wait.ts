import { condition } from '@temporalio/workflow';
import type { CopyOptions } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { LOCK_WAIT_MS, LOCK_WAIT_PAUSES_MS } from './activity-options.ts';
import type { JobLife } from './job-life.ts';
import { showProgress } from './visibility.ts';

/** How a job waits for what others hold: in pauses between its tries for the locks, each twice as long as the last. */
export class LockWait {
  readonly #book: JobLife;
  readonly #giveUpAt: number;
  #pauseMs = LOCK_WAIT_PAUSES_MS.first;

  /** Its time begins now; without `onLocked: wait` it has none. */
  constructor(book: JobLife, { onLocked }: CopyOptions) {
    this.#book = book;
    this.#giveUpAt = onLocked === 'wait' ? Date.now() + LOCK_WAIT_MS : Number.NEGATIVE_INFINITY;
  }

  /** Whether it is not to wait, or has waited for long enough. */
  get isOver(): boolean {
    return Date.now() >= this.#giveUpAt;
  }

  /** Waits until it is time for another try, or the job is cancelled, and has the job tell what it waits for. */
  pause(what: string, holders: readonly string[]): Promise<boolean> {
    this.#book.explain(reason('FILE_LOCKED', `waiting for ${what} locked by ${holders.join(', ')}`));
    showProgress(this.#book);
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, LOCK_WAIT_PAUSES_MS.longest);
    return condition(() => this.#book.isCancelling, pauseMs);
  }
}
