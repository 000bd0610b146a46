import { condition, workflowInfo } from '@temporalio/workflow';
import type { CopyOptions } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { LOCK_WAIT_MS, LOCK_WAIT_PAUSES_MS } from './activity-options.ts';
import type { JobLife } from './job-life.ts';
import { showProgress } from './visibility.ts';

/**
 * So much a job's history may grow while it waits, in bytes: Temporal ends a workflow by force at 50 MiB
 * (docs.temporal.io/cloud/limits), and each try adds the request and what others hold of it.
 */
const HISTORY_BYTES = 20 * 1024 * 1024;

/**
 * How long to wait for the next try, in milliseconds: as long as is usual or, where tries are so large that the history
 * has no room for as many as that, longer. Sizes in bytes.
 */
export function pauseFor({
  usualMs,
  leftMs,
  historySize,
  trySize,
}: {
  usualMs: number;
  /** Until the job gives up. */
  leftMs: number;
  historySize: number;
  /** What a try has added to it. */
  trySize: number;
}): number {
  const triesLeft = Math.max(1, Math.floor((HISTORY_BYTES - historySize) / Math.max(1, trySize)));
  return Math.max(usualMs, Math.ceil(leftMs / triesLeft));
}

/** How a job waits for what others hold: in pauses between its tries for the locks, each twice as long as the last. */
export class LockWait {
  readonly #book: JobLife;
  readonly #giveUpAt: number;
  #usualMs = LOCK_WAIT_PAUSES_MS.first;
  #historySize = workflowInfo().historySize;
  /** What the largest try has added to the history, in bytes. */
  #trySize = 0;

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
    return condition(() => this.#book.isCancelling, this.#nextPause());
  }

  #nextPause(): number {
    const { historySize } = workflowInfo();
    this.#trySize = Math.max(this.#trySize, historySize - this.#historySize);
    this.#historySize = historySize;
    const [usualMs, leftMs] = [this.#usualMs, Math.max(0, this.#giveUpAt - Date.now())];
    this.#usualMs = Math.min(usualMs * 2, LOCK_WAIT_PAUSES_MS.longest);
    return pauseFor({ usualMs, leftMs, historySize, trySize: this.#trySize });
  }
}
