import { Context } from '@temporalio/activity';
import { indexCollections, locate, type LocatedFile } from '../contract/locate.ts';
import type { CollectionLocation, FileEntry, JobOwner, LockedFile } from '../contract/messages.ts';
import type { Lock, LockOwner, LockStore } from '../storage/locks.ts';
import type { ObjectRef } from '../storage/objects.ts';
import type { HeldLock } from './copy-file.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toControlFailure } from './failures.ts';
import { Lease } from './lease.ts';
import { LockSet, objectKey } from './lock-set.ts';
import { createStalenessCheck, type StalenessCheck } from './stale-locks.ts';

export interface LockTask {
  owner: JobOwner;
  entries: FileEntry[];
  collections: CollectionLocation[];
  /** Does without the files that others hold, instead of taking nothing. */
  skipLocked?: boolean;
}

/**
 * The locks in the order of the entries, null where a file is skipped; or none, with the files that others hold and who
 * these are.
 */
export type Locking =
  { locked: true; locks: (HeldLock | null)[] } | { locked: false; files: LockedFile[]; holders: string[] };

/** Holders that are named; more would not help anybody. */
const MAX_HOLDERS = 3;

/**
 * Locks every destination file or none (or, with `skipLocked`, those it can), and sees that no source file is being
 * written by another job. A lock whose job no longer runs is taken over. Repeated after a lost answer, it finds its own
 * locks in place.
 */
export async function takeLocks(
  { storage, jobs, log }: ActivityDependencies,
  { owner, entries, collections, skipLocked = false }: LockTask,
): Promise<Locking> {
  using _lease = new Lease(Context.current());
  const places = indexCollections(collections);
  const files = entries.map((entry) => locate(entry, places));
  const sources = files.map(({ source }) => source);
  const destinations = files.map(({ destination }) => destination);
  const isStale = createStalenessCheck(jobs, log);
  const taking = new LockSet(storage.locks, owner, isStale);
  try {
    const isRefused = !skipLocked && !(await taking.takeAll(destinations));
    if (skipLocked) await taking.takeEach(destinations);
    // Looked for after our own locks are made: of two jobs that write each other's source, one sees the other.
    const written = isRefused ? new Map<string, Lock>() : await findWritten(storage.locks, sources, isStale);
    const holderOf = ({ source, destination }: LocatedFile) =>
      taking.contestedOn(destination) ?? written.get(objectKey(source));
    const blocked = files.filter((file) => holderOf(file) !== undefined);
    if (blocked.length > 0 && !skipLocked) {
      await taking.release(destinations);
      const holders = new Set(blocked.map((file) => nameOf((holderOf(file) as Lock).owner)));
      return {
        locked: false,
        files: entries.flatMap((entry, index) => {
          const { source, destination } = files[index] as LocatedFile;
          return [
            ...(written.has(objectKey(source)) ? [sourceOf(entry)] : []),
            ...(taking.contestedOn(destination) === undefined ? [] : [destinationOf(entry)]),
          ];
        }),
        holders: [...holders].slice(0, MAX_HOLDERS),
      };
    }
    await taking.release(blocked.map(({ destination }) => destination));
    return { locked: true, locks: destinations.map((destination) => toHeldLock(taking.heldOn(destination))) };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Locks of other living jobs on sources. One that is only being read may be written, so this asks no lock. */
async function findWritten(
  locks: LockStore,
  sources: ObjectRef[],
  isStale: StalenessCheck,
): Promise<Map<string, Lock>> {
  const written = new Map<string, Lock>();
  for (const lock of await locks.findAmong(sources)) {
    if (!(await isStale(lock))) written.set(objectKey(lock), lock);
  }
  return written;
}

function toHeldLock(lock: Lock | undefined): HeldLock | null {
  return lock === undefined ? null : { generation: lock.generation, createdAt: lock.createdAt };
}

function sourceOf({ sourceCollectionId, fileName }: FileEntry): LockedFile {
  return { collectionId: sourceCollectionId, fileName };
}

function destinationOf({ destinationCollectionId, destinationFileName }: FileEntry): LockedFile {
  return { collectionId: destinationCollectionId, fileName: destinationFileName };
}

function nameOf(owner: LockOwner): string {
  return owner.kind === 'job' ? `job ${owner.correlationId}` : `${owner.who} (${owner.why})`;
}
