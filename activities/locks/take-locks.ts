import { Context } from '@temporalio/activity';
import { indexCollections, locate } from '../../contract/locate.ts';
import type { CollectionLocation, FileEntry, JobOwner, LockedFile } from '../../contract/messages.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import type { Lock, LockOwner } from '../../storage/locks.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import type { FirstAttempt } from './first-attempt.ts';
import { attemptBegunAt, Lease } from './lease.ts';
import { LockSet } from './lock-set.ts';
import { createStalenessCheck, type ClaimUnderWay } from './stale-locks.ts';

export interface LockTask {
  owner: JobOwner;
  entries: FileEntry[];
  collections: CollectionLocation[];
  /** Does without the files that others hold, instead of taking nothing. */
  skipLocked?: boolean;
}

/** The lock a file is copied under. */
export interface HeldLock {
  generation: string;
  /** When it was taken, by the clock of Cloud Storage, in milliseconds since the epoch. */
  createdAt: number;
}

/**
 * The locks in the order of the entries, null where a file is skipped; or none, with the files that others hold and who
 * these are.
 */
export type Locking =
  { locked: true; locks: (HeldLock | null)[] } | { locked: false; files: LockedFile[]; holders: string[] };

/** Holders that are named; more would not help anybody. */
const MAX_HOLDERS = 3;

/** Characters of a person and of their reason that are told: a refusal may tell them of each of a thousand files. */
const MAX_NAMED = 100;

/** What goes on beside the taking of a job's locks. */
export interface LockingContext {
  /** The claim on its correlation id. */
  claiming?: ClaimUnderWay;
  /** What a first attempt has made; absent: it goes on from what there is. */
  first?: FirstAttempt | undefined;
}

/**
 * Locks every destination file or none (or, with `skipLocked`, those it can), and sees that no other job is writing a
 * source file, or anything under a prefix that one of the files is under. A lock whose job no longer runs is taken over.
 * Repeated after a lost answer, it finds its own locks in place, and renews them; a `first` attempt gives up there.
 */
export async function takeLocks(
  deps: ActivityDependencies,
  { owner, entries, collections, skipLocked = false }: LockTask,
  { claiming, first }: LockingContext = {},
): Promise<Locking> {
  using lease = new Lease(Context.current());
  const places = indexCollections(collections);
  const files = entries.map((entry) => locate(entry, places));
  const sources = files.map(({ source }) => source);
  const destinations = files.map(({ destination }) => destination);
  const taking = new LockSet({
    locks: deps.storage.locks,
    owner,
    isStale: createStalenessCheck(deps, claiming),
    lease,
    attemptAt: attemptBegunAt(),
    first,
  });
  const wanted = { targets: destinations, sources };
  try {
    if (!skipLocked && (await taking.takeAll(wanted))) return { locked: true, locks: locksOn(taking, destinations) };
    if (skipLocked) await taking.takeEach(wanted);
    const blocked = files.flatMap(({ source, destination }, index) => {
      const [writers, holders] = [taking.inTheWayOf(source), taking.inTheWayOf(destination)];
      return writers.length + holders.length > 0 ? [{ index, destination, writers, holders }] : [];
    });
    if (skipLocked) {
      await taking.release(blocked.map(({ destination }) => destination));
      return { locked: true, locks: locksOn(taking, destinations) };
    }
    return {
      locked: false,
      files: blocked.flatMap(({ index, writers, holders }) => {
        const entry = entries[index] as FileEntry;
        return [
          ...(writers.length > 0 ? [lockedFile(entry.sourceCollectionId, entry.fileName, writers)] : []),
          ...(holders.length > 0
            ? [lockedFile(entry.destinationCollectionId, entry.destinationFileName, holders)]
            : []),
        ];
      }),
      holders: nameHolders(blocked.flatMap(({ writers, holders }) => [...holders, ...writers])),
    };
  } catch (error) {
    await taking.undo(deps.log);
    throw toControlFailure(error);
  }
}

function locksOn(taken: LockSet, destinations: readonly LockTarget[]): (HeldLock | null)[] {
  return destinations.map((destination) => {
    const lock = taken.heldOn(destination);
    return lock === undefined ? null : { generation: lock.generation, createdAt: lock.createdAt };
  });
}

function lockedFile(collectionId: string, fileName: string, locks: readonly Lock<LockTarget>[]): LockedFile {
  return { collectionId, fileName, message: lockedBy('the file', nameHolders(locks)) };
}

/** That something is locked, and by whom: the message of a locked file or prefix. */
export function lockedBy(what: string, holders: readonly string[]): string {
  return `${what} is locked by ${holders.join(', ')}`;
}

/** Who holds these locks, as a person may read it; the first few. */
export function nameHolders(locks: readonly Lock<LockTarget>[]): string[] {
  return [...new Set(locks.map(({ owner }) => nameOf(owner)))].slice(0, MAX_HOLDERS);
}

function nameOf(owner: LockOwner): string {
  return owner.kind === 'job' ? `job ${owner.correlationId}` : `${short(owner.who)} (${short(owner.why)})`;
}

function short(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_NAMED ? text : `${characters.slice(0, MAX_NAMED).join('')}…`;
}
