import type { Activities, HeldLock } from '../activities/index.ts';
import { outcomeWithoutObject } from '../contract/file-outcome.ts';
import { indexCollections, locate, type LocatedFile } from '../contract/locate.ts';
import type { FileRecord } from '../contract/messages.ts';
import { SKIPPED_AS_LOCKED } from '../contract/reasons.ts';
import type { JobBook } from './job-book.ts';

/** A file that may be copied: where it is, and the lock on its destination. */
export interface OwnedFile extends LocatedFile {
  record: FileRecord;
  lock: HeldLock;
}

/** Locks by file, as admission gives them: null where the file is to be skipped, none at all of a dry run. */
type LocksByFile = readonly (HeldLock | null)[];

/** Files that have no end yet, with their locks. Those without one are skipped: that is their end. */
export function filesToCopy(book: JobBook, locks: LocksByFile): OwnedFile[] {
  if (locks.length === 0) return [];
  const places = indexCollections(book.collections);
  return book.unfinished().flatMap((record) => {
    const lock = locks[record.index] ?? null;
    if (lock !== null) return [{ ...locate(record, places), record, lock }];
    book.finishFile(record, outcomeWithoutObject('Skipped', SKIPPED_AS_LOCKED), Date.now());
    return [];
  });
}

/** What is to be given back at the end. */
export function heldLocks(book: JobBook, locks: LocksByFile): Parameters<Activities['releaseLocks']>[0]['locks'] {
  const places = indexCollections(book.collections);
  return book.files.flatMap((record) => {
    const lock = locks[record.index] ?? null;
    return lock === null ? [] : [{ target: locate(record, places).destination, generation: lock.generation }];
  });
}
