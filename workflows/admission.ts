import type { Access, HeldLock } from '../activities/index.ts';
import { indexCollections, locate, type LocatedFile } from '../contract/locate.ts';
import type { FileRecord, JobOwner } from '../contract/messages.ts';
import { local, LOCAL_LOCKS_UP_TO, locking } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { countOf } from './visibility.ts';

/** A file that may be copied: where it is, and the lock on its destination. */
export interface AdmittedFile extends LocatedFile {
  record: FileRecord;
  lock: HeldLock;
}

/**
 * Decides a request whose access has been checked: the sense of the files, then all locks or none. Gives the files with
 * their locks; undefined where the request is refused, and nothing is held.
 */
export async function admit(book: JobBook, owner: JobOwner, access: Access): Promise<AdmittedFile[] | undefined> {
  if (!access.granted) {
    book.decide(access.admission);
    return undefined;
  }
  const { correlationId, entries } = book;
  const { collections } = access;
  // Both are done before anything is copied, and neither waits for the other.
  const [taken] = await Promise.all([
    lockActivities('lock', entries.length).takeLocks({ owner, entries, collections }),
    local('store the plan').savePlan({ correlationId, entries, collections }),
  ]);
  if (!taken.locked) {
    book.decide({ decision: 'locked', files: taken.files });
    return undefined;
  }
  book.collections = collections;
  book.decide({ decision: 'accepted' });
  const places = indexCollections(collections);
  return book.files.map((record, index) => ({
    ...locate(record, places),
    record,
    lock: taken.locks[index] as HeldLock,
  }));
}

/** Gives the locks of admitted files back. */
export async function releaseLocks(owner: JobOwner, files: readonly AdmittedFile[]): Promise<void> {
  const locks = files.map(({ destination, lock }) => ({ target: destination, generation: lock.generation }));
  await lockActivities('release', files.length).releaseLocks({ owner, locks });
}

function lockActivities(verb: string, count: number) {
  const summary = `${verb} ${countOf(count, 'file')}`;
  return count <= LOCAL_LOCKS_UP_TO ? local(summary) : locking(summary);
}
