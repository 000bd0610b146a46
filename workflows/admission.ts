import { condition } from '@temporalio/workflow';
import type { HeldLock } from '../activities/index.ts';
import { indexCollections, locate, type LocatedFile } from '../contract/locate.ts';
import type { CopyFilesInput, FileRecord, JobOwner } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { local, LOCAL_LOCKS_UP_TO, LOCK_WAIT_MS, LOCK_WAIT_PAUSES_MS, locking } from './activity-options.ts';
import { outcomeWithout, type JobBook } from './job-book.ts';
import { countOf, showProgress } from './visibility.ts';

/** A file that may be copied: where it is, and the lock on its destination. */
export interface AdmittedFile extends LocatedFile {
  record: FileRecord;
  lock: HeldLock;
}

/** How a request was decided. Only `accepted` holds anything: the locks of the files that are to be copied. */
export type Admitted =
  | { decided: 'accepted'; files: AdmittedFile[] }
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
  for (;;) {
    // Access may have been withdrawn while the job waited, so every try decides anew.
    const verdict = await lockActivities('admit', count).admitJob({ owner, taskQueue, input });
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
        return { decided: 'accepted', files: withLocks(book, verdict.locks) };
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
      return { decided: 'accepted', files: [] };
    }
    pauseMs = Math.min(pauseMs * 2, LOCK_WAIT_PAUSES_MS.longest);
  }
}

/** The files with their locks; those without one are skipped. A dry run has no locks at all. */
function withLocks(book: JobBook, locks: readonly (HeldLock | null)[]): AdmittedFile[] {
  if (locks.length === 0) return [];
  const places = indexCollections(book.collections);
  return book.files.flatMap((record, index) => {
    const lock = locks[index] ?? null;
    if (lock !== null) return [{ ...locate(record, places), record, lock }];
    const message = reason('FILE_LOCKED', 'the file is locked by another job or by hand, and onLocked is "skip"');
    book.finishFile(record, outcomeWithout('Skipped', message), Date.now());
    return [];
  });
}

/** Gives the locks of admitted files back. */
export async function releaseLocks(owner: JobOwner, files: readonly AdmittedFile[]): Promise<void> {
  if (files.length === 0) return;
  const locks = files.map(({ destination, lock }) => ({ target: destination, generation: lock.generation }));
  await lockActivities('release', files.length).releaseLocks({ owner, locks });
}

/** Large lock sets take longer than a workflow task should. */
function lockActivities(verb: string, count: number) {
  const summary = `${verb} ${countOf(count, 'file')}`;
  return count <= LOCAL_LOCKS_UP_TO ? local(summary) : locking(summary);
}
