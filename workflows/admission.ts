import type { Activities, HeldLock, Verdict } from '../activities/index.ts';
import type { CopyFilesInput, JobOwner } from '../contract/messages.ts';
import { beginLocally, LOCAL_LOCKS_UP_TO, locking } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { LockWait } from './lock-wait.ts';
import { countOf } from './visibility.ts';

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
  const count = book.entries.length;
  const waiting = new LockWait(book, input.request.options);
  for (let isFirst = true; ; isFirst = false) {
    // Access may have been withdrawn while the job waited, so every try decides anew.
    const verdict = await decide({ owner, taskQueue, input }, count, isFirst);
    switch (verdict.verdict) {
      case 'taken':
        book.adopt(verdict.outcome, verdict.status);
        return { decided: 'before' };
      case 'refused':
        book.recordGeneration = verdict.recordGeneration;
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
        book.recordGeneration = verdict.recordGeneration;
    }
    if (waiting.isOver) {
      book.decide({ decision: 'locked', files: verdict.files }, count);
      return { decided: 'refused' };
    }
    await waiting.pause(countOf(verdict.files.length, 'file'), verdict.holders);
    if (book.isCancelling) {
      book.explain('');
      book.decide({ decision: 'accepted' }, count);
      book.cancelRest(Date.now());
      return { decided: 'accepted', locks: [] };
    }
  }
}

/** Large lock sets take longer than a workflow task should. */
function decide(task: Parameters<Activities['admitJob']>[0], count: number, isFirst: boolean): Promise<Verdict> {
  const summary = `admit ${countOf(count, 'file')}`;
  return count <= LOCAL_LOCKS_UP_TO
    ? beginLocally({ isFirst, summary }, ({ admitJob }) => admitJob(task))
    : locking(summary).admitJob(task);
}
