import { workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CopyFilesInput, CopyRequest, HeldPrefixLock, JobOwner } from '../contract/messages.ts';
import { LOCAL_LOCKS_UP_TO, locallyFirst, locking } from './activity-options.ts';
import type { JobLife } from './job-life.ts';
import type { ResultBatch } from './result-log.ts';
import { countOf } from './visibility.ts';

/** What is left to be done when all files of a job have come to their end. */
interface LeftToClose {
  /** Results that are not stored yet. */
  results?: ResultBatch | undefined;
  locks?: Parameters<Activities['releaseLocks']>[0]['locks'];
  prefixLocks?: HeldPrefixLock[];
  /** That a prefix was not listed to its end. */
  isCutShort?: boolean;
  /** That it was cancelled before its request was decided. */
  isUnread?: boolean;
}

/** Stores results while nothing is being copied. */
export async function store(results: ResultBatch): Promise<void> {
  const summary = `store ${countOf(results.files.length, 'result')}`;
  await locallyFirst(summary, ({ saveResults }) => saveResults(results));
}

/**
 * Stores the last results, gives the locks back and closes the record, in this order, and then shows the job's end: in
 * one activity, which costs the workflow one call in place of three. Large lock sets take longer than that may.
 */
export async function closeJob(
  book: JobLife,
  owner: JobOwner,
  input: CopyFilesInput<CopyRequest>,
  { results, locks = [], prefixLocks = [], isCutShort = false, isUnread = false }: LeftToClose = {},
): Promise<void> {
  const isLarge = locks.length > LOCAL_LOCKS_UP_TO;
  if (isLarge) {
    if (results !== undefined) await store(results);
    await locking(`release ${countOf(locks.length, 'file')}`).releaseLocks({ owner, locks });
  }
  const status = book.ending(Date.now());
  const claim = { taskQueue: workflowInfo().taskQueue, input, collections: book.collections };
  const { admission, recordGeneration } = book;
  const closing = {
    ...{ owner, admission, status, claim, recordGeneration },
    ...(isCutShort && { isCutShort }),
    ...(isUnread && { isUnread }),
  };
  const task = {
    closing,
    ...(!isLarge && results && { results }),
    ...(!isLarge && locks.length > 0 && { locks }),
    ...(prefixLocks.length > 0 && { prefixLocks }),
  };
  const before = await locallyFirst(`close the record: ${status.state}`, (activities) => activities.closeJob(task));
  // A workflow task that a signal overtakes is made again, and may find that its end was told of. (Older ones: null.)
  book.end(before ?? status);
}
