import { Context } from '@temporalio/activity';
import type { CollectionLocation, HeldPrefixLock, JobOwner, LockedFile } from '../../contract/messages.ts';
import { isPrefixRef, targetKey, type LockTarget, type PrefixRef } from '../../storage/lock-targets.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { attemptBegunAt, Lease } from './lease.ts';
import { LockSet } from './lock-set.ts';
import { createStalenessCheck } from './stale-locks.ts';
import { lockedBy, nameHolders, type LockingContext } from './take-locks.ts';

export interface PrefixLockTask {
  owner: JobOwner;
  /** What the job writes under: every destination object of it starts with one of them. */
  prefixes: PrefixRef[];
  /** What it reads: prefixes, or single objects. */
  sources: LockTarget[];
  /** The collections that all of these are in. */
  collections: CollectionLocation[];
  /** Does without what others hold of that, instead of taking nothing. */
  skipLocked?: boolean;
}

/**
 * The locks in the order of the prefixes, and when they were last seen to stand, by the monotonic clock of this process,
 * where they were; or none, with what others hold of what was asked for, and who these are. What
 * others hold is a file, or a prefix (of its name in the collection; empty where it is the whole collection).
 * `others`: what others hold and the job does without, though it be under its locks.
 */
export type PrefixLocking =
  | { locked: true; locks: HeldPrefixLock[]; stoodAt?: number | undefined; others?: LockTarget[] }
  | { locked: false; files: LockedFile[]; holders: string[] };

/** Files and prefixes that are listed in a refusal; an answer to a caller is not to grow with what others do. */
const MAX_LISTED = 1_000;

/**
 * Locks every prefix or none, and sees that no other job is writing a source, or a file under one of the prefixes. A
 * lock whose job no longer runs is taken over. Repeated after a lost answer, it finds its own locks in place, and renews
 * them; a `first` attempt gives up there.
 * With `skipLocked` it locks each prefix of which others leave anything, and tells what they hold.
 */
export async function lockPrefixes(
  deps: ActivityDependencies,
  { owner, prefixes, sources, collections, skipLocked = false }: PrefixLockTask,
  { claiming, first }: LockingContext = {},
): Promise<PrefixLocking> {
  using lease = new Lease(Context.current());
  const isStale = createStalenessCheck(deps, claiming);
  const taking = new LockSet({ locks: deps.storage.locks, owner, isStale, lease, attemptAt: attemptBegunAt(), first });
  const wanted = { targets: prefixes, sources };
  try {
    if (skipLocked) {
      const others = await taking.takeTheRest(wanted);
      const held = prefixes.filter((target) => taking.heldOn(target) !== undefined);
      const locks = held.map((target) => toHeldLock(target, taking));
      return { locked: true, locks, stoodAt: taking.stoodAt, ...(others.length > 0 && { others }) };
    }
    if (await taking.takeAll(wanted)) {
      const locks = prefixes.map((target) => toHeldLock(target, taking));
      return { locked: true, locks, stoodAt: taking.stoodAt };
    }
  } catch (error) {
    await taking.undo(deps.log);
    throw toControlFailure(error);
  }
  const blocked = [...sources, ...prefixes].flatMap((target) =>
    taking.inTheWayOf(target).map((lock) => ({ lock, place: narrower(target, lock) })),
  );
  const places = Map.groupBy(blocked, ({ place }) => targetKey(place));
  return {
    locked: false,
    files: [...places.values()].slice(0, MAX_LISTED).flatMap((held) => {
      const holders = nameHolders(held.map(({ lock }) => lock));
      return held.slice(0, 1).map(({ place }) => toLockedFile(place, collections, holders));
    }),
    holders: nameHolders(blocked.map(({ lock }) => lock)),
  };
}

function toHeldLock({ bucket, prefix }: PrefixRef, taken: LockSet): HeldPrefixLock {
  const lock = taken.heldOn({ bucket, prefix });
  if (lock === undefined) throw new Error(`the lock on ${bucket}/${prefix} was not kept`);
  return { bucket, prefix, generation: lock.generation, createdAt: lock.createdAt };
}

/** What belongs to both of two targets that overlap. */
function narrower(one: LockTarget, other: LockTarget): LockTarget {
  if (!isPrefixRef(one)) return one;
  if (!isPrefixRef(other)) return other;
  return one.prefix.length > other.prefix.length ? one : other;
}

/** A place as its collection knows it: of collections that contain each other, the innermost. */
function toLockedFile(
  place: LockTarget,
  collections: readonly CollectionLocation[],
  holders: readonly string[],
): LockedFile {
  const name = isPrefixRef(place) ? place.prefix : place.name;
  const [collection] = collections
    .filter(({ bucket, prefix }) => bucket === place.bucket && name.startsWith(prefix))
    .sort((one, other) => other.prefix.length - one.prefix.length);
  if (collection === undefined) throw new Error(`${place.bucket}/${name} is in no collection of the admission`);
  const { collectionId } = collection;
  const fileName = name.slice(collection.prefix.length);
  const prefix = fileName === '' ? 'the whole collection' : 'everything under this prefix';
  return { collectionId, fileName, message: lockedBy(isPrefixRef(place) ? prefix : 'the file', holders) };
}
