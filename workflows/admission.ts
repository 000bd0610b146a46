import { condition } from '@temporalio/workflow';
import type { Activities, HeldLock, Verdict } from '../activities/index.ts';
import type { CopyFilesInput, JobOwner } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { beginLocally, LOCAL_LOCKS_UP_TO, LOCK_WAIT_MS, LOCK_WAIT_PAUSES_MS, locking } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { countOf, showProgress } from './visibility.ts';

/** How a request was decided. Only `accepted` holds anything. */
export type Admitted =
  /** `locks`: by file, null where the file is to be skipped; none at all of a dry run. */
  | { decided: 'accepted'; locks: (HeldLock | null)[] }
  | { decided: 'refused' }
  /** The correlation id belongs to an earlier job, whose outcome and end the book has taken over. */
  | { decided: 'before' };

/**
 * Decides a request: whose correlation id it is, access, the sense of the files, then all locks or none. A job that is
 * told to stop while it waits for locks is accepted, with every file cancelled.
 */
export async function admit(
  book: JobBook,
  owner: JobOwner,
  taskQueue: string,
  input: CopyFilesInput,
): Promise<Admitted> {
  const { onLocked = 'reject' } = input.request.options;
  const count = book.entries.length;
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  let pauseMs = LOCK_WAIT_PAUSES_MS.first;
  for (let isFirst = true; ; isFirst = false) {
    // Access may have been withdrawn while the job waited, so every try decides anew.
    const verdict = await decide({ owner, taskQueue, input }, count, isFirst);
    switch (verdict.verdict) {
      case 'taken':
        book.adopt(verdict.outcome, verdict.status);
        return { decided: 'before' };
      case 'refused':
        book.decide(verdict.admission, count);
        return { decided: 'refused' };
      case 'accepted':
        book.explain('');
        book.collections = verdict.collections;
        book.recordGeneration = verdict.recordGeneration;
        book.decide({ decision: 'accepted' }, count);
        return { decided: 'accepted', locks: verdict.locks };
      case 'locked':
        book.collections = verdict.collections;
    }
    if (onLocked !== 'wait' || Date.now() >= giveUpAt) {
      book.decide({ decision: 'locked', files: verdict.files }, count);
      return { decided: 'refused' };
    }
    const files = `${countOf(verdict.files.length, 'file')} locked by ${verdict.holders.join(', ')}`;
    book.explain(reason('FILE_LOCKED', `waiting for ${files}`));
    showProgress(book);
    await condition(() => book.isCancelling, pauseMs);
    if (book.isCancelling) {
      book.explain('');
      book.decide({ decision: 'accepted' }, count);
      book.cancelRest(Date.now());
      return { decided: 'accepted', locks: [] };
    }
    pauseMs = Math.min(pauseMs * 2, LOCK_WAIT_PAUSES_MS.longest);
  }
}

/** Large lock sets take longer than a workflow task should. */
function decide(task: Parameters<Activities['admitJob']>[0], count: number, isFirst: boolean): Promise<Verdict> {
  const summary = `admit ${countOf(count, 'file')}`;
  return count <= LOCAL_LOCKS_UP_TO
    ? beginLocally({ isFirst, summary }, ({ admitJob }) => admitJob(task))
    : locking(summary).admitJob(task);
}
