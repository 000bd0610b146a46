import { condition } from '@temporalio/workflow';
import type { Access, HeldLock } from '../activities/index.ts';
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

/** Reads which of the request's collections the caller may use, and whether the files make sense there. */
export async function checkAccess(book: JobBook, { requestor, request }: CopyFilesInput): Promise<Access> {
  const { correlationId } = book;
  return await local('check access to the collections').checkAccess({
    correlationId,
    requestor,
    entries: request.entries,
  });
}

/**
 * Decides a request whose access has been checked: the sense of the files, then all locks or none. Gives the files that
 * are to be copied, with their locks; undefined where the request is refused, and nothing is held. A job that is told
 * to stop before it is decided, and would not be refused by then, is accepted, with every file cancelled.
 */
export async function admit(
  book: JobBook,
  owner: JobOwner,
  input: CopyFilesInput,
  firstAccess: Access,
): Promise<AdmittedFile[] | undefined> {
  const { onLocked = 'reject', dryRun = false } = input.request.options;
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  let pauseMs = LOCK_WAIT_PAUSES_MS.first;
  let access = firstAccess;
  for (;;) {
    if (!access.granted) {
      book.decide(access.admission);
      return undefined;
    }
    const { collections } = access;
    book.collections = collections;
    if (book.isCancelling) {
      book.explain('');
      book.decide({ decision: 'accepted' });
      book.cancelRest(Date.now());
      return [];
    }
    if (dryRun) {
      book.decide({ decision: 'accepted' });
      return [];
    }
    const { correlationId, entries } = book;
    // Both are done before anything is copied, and neither waits for the other.
    const [taken] = await Promise.all([
      lockActivities('lock', entries.length).takeLocks({
        owner,
        entries,
        collections,
        skipLocked: onLocked === 'skip',
      }),
      local('store the plan').savePlan({ correlationId, entries, collections }),
    ]);
    if (taken.locked) {
      book.explain('');
      book.decide({ decision: 'accepted' });
      return withLocks(book, taken.locks);
    }
    if (onLocked !== 'wait' || Date.now() >= giveUpAt) {
      book.decide({ decision: 'locked', files: taken.files });
      return undefined;
    }
    const files = `${countOf(taken.files.length, 'file')} locked by ${taken.holders.join(', ')}`;
    book.explain(reason('FILE_LOCKED', `waiting for ${files}`));
    showProgress(book);
    await condition(() => book.isCancelling, pauseMs);
    pauseMs = Math.min(pauseMs * 2, LOCK_WAIT_PAUSES_MS.longest);
    // Access may have been withdrawn in the meantime.
    access = await checkAccess(book, input);
  }
}

/** The files with their locks; those without one are skipped. */
function withLocks(book: JobBook, locks: readonly (HeldLock | null)[]): AdmittedFile[] {
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

function lockActivities(verb: string, count: number) {
  const summary = `${verb} ${countOf(count, 'file')}`;
  return count <= LOCAL_LOCKS_UP_TO ? local(summary) : locking(summary);
}
