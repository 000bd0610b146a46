import type { JobOwner } from '../contract/messages.ts';
import { isStorageError } from './errors.ts';
import {
  lockName,
  locksIn,
  lockTargetOf,
  objectLocksUnder,
  PREFIX_MARKS,
  prefixLocksIn,
  prefixMarkName,
} from './lock-names.ts';
import { isPrefixRef, overlap, placeOf, targetKey, type LockTarget, type PrefixRef } from './lock-targets.ts';
import type { ObjectInfo, ObjectRef, ObjectStore } from './objects.ts';
import type { StorageObserver } from './observer.ts';

/** A person who locked a file or a prefix by hand. */
export interface ManualOwner {
  kind: 'manual';
  who: string;
  why: string;
}

export type LockOwner = JobOwner | ManualOwner;

interface LockState {
  owner: LockOwner;
  /** Generation of the lock object: whoever knows it may release it, and loses it when the lock changes hands. */
  generation: string;
  /** When its owner took it, by the clock of Cloud Storage, in milliseconds since the epoch. */
  createdAt: number;
  /** When the attempt was begun that made or renewed it, in milliseconds since the epoch; absent: nobody has said. */
  attemptAt?: number;
}

/** A lock as found in storage, with what it is on. */
export type Lock<Target extends LockTarget = ObjectRef> = Target & LockState;

/** Locks on what is in one bucket, and from one place on; in all buckets, from the first on where absent. */
interface LockRange {
  bucket?: string | undefined;
  from?: string | undefined;
}

/** A lock as a listing gives it; `place`: where to go on behind it. */
export interface ListedLock {
  lock: Lock<LockTarget>;
  place: string;
}

/** A lock that its owner holds; `isNew`: made by this very request, else found in place. */
export interface TakenLock<Target extends LockTarget = ObjectRef> {
  taken: true;
  lock: Lock<Target>;
  isNew: boolean;
}

/** How an attempt to take a lock ended. */
export type LockAttempt<Target extends LockTarget = ObjectRef> =
  TakenLock<Target> | { taken: false; holder: Lock<Target> };

/** What locks ask of storage: that writes and removals keep to their preconditions, and show in every later answer. */
export type LockObjects = Pick<ObjectStore, 'stat' | 'write' | 'remove' | 'list'>;

/** From so many locks on, one range listing is cheaper than a read each. */
const RANGE_LISTING_FROM = 4;

/**
 * Locks on destination objects and on destination prefixes, as objects in the control bucket. Making one with
 * `ifGenerationMatch=0` is taking it: Cloud Storage lets exactly one of any number of makers succeed. The owner stands in
 * the object's metadata, so that a listing shows all owners. Locks on different targets that overlap are both made:
 * whoever makes one looks for the others afterwards (`findOverlapping`), so of two makers at least one sees the other.
 * Every method throws StorageError.
 */
export class LockStore {
  readonly #objects: LockObjects;
  readonly #bucket: string;
  /** Buckets that are known to be marked: a mark is for ever. */
  readonly #marked = new Set<string>();

  readonly #observer: StorageObserver | undefined;

  constructor(objects: LockObjects, controlBucket: string, observer?: StorageObserver) {
    this.#objects = objects;
    this.#bucket = controlBucket;
    this.#observer = observer;
  }

  /**
   * Takes the lock, or says who holds it. One that this owner holds already counts as taken. `attemptAt`: when the attempt
   * was begun that takes it.
   */
  async acquire<Target extends LockTarget>(
    target: Target,
    owner: LockOwner,
    attemptAt?: number,
  ): Promise<LockAttempt<Target>> {
    // Before the lock: whoever finds no mark has looked, and made its own lock, before this one is made.
    if (isPrefixRef(target)) await this.#mark(target.bucket);
    for (;;) {
      const lock = await this.#put(target, owner, '0', { attemptAt });
      if (lock !== undefined) {
        this.#observer?.locked?.('taken');
        return { taken: true, lock, isNew: true };
      }
      const holder = await this.read(target);
      // Released between the two requests: try again.
      if (holder === undefined) continue;
      if (isSameOwner(holder.owner, owner)) return { taken: true, lock: holder, isNew: false };
      this.#observer?.locked?.('refused');
      return { taken: false, holder };
    }
  }

  /**
   * Takes a lock over from its holder by overwriting it at the generation seen: of any number of contenders one
   * succeeds. Undefined: another one did, or the lock is gone.
   */
  async takeOver<Target extends LockTarget>(
    held: Lock<Target>,
    owner: LockOwner,
    attemptAt?: number,
  ): Promise<Lock<Target> | undefined> {
    const taken = await this.#put<Target>(held, owner, held.generation, { attemptAt });
    if (taken !== undefined) this.#observer?.locked?.('takenOver');
    return taken;
  }

  /**
   * Overwrites a lock for the same owner, so that its generation changes and whoever knew the former one has lost it;
   * since when it is held stays as it was. Undefined: it has changed hands, or is gone.
   */
  async renew<Target extends LockTarget>(held: Lock<Target>, attemptAt?: number): Promise<Lock<Target> | undefined> {
    const more = { heldSince: held.createdAt, attemptAt };
    const renewed = await this.#put<Target>(held, held.owner, held.generation, more);
    return renewed && { ...renewed, createdAt: held.createdAt };
  }

  async #put<Target extends LockTarget>(
    target: Target,
    owner: LockOwner,
    ifGenerationMatch: string,
    { heldSince, attemptAt }: { heldSince?: number; attemptAt?: number | undefined },
  ): Promise<Lock<Target> | undefined> {
    try {
      const info = await this.#objects.write(this.#lockRef(target), '', {
        ifGenerationMatch,
        contentType: 'application/octet-stream',
        metadata: {
          ...{ ...describe(target), ...owner },
          ...(heldSince !== undefined && { heldSince: String(heldSince) }),
          ...(attemptAt !== undefined && { attemptAt: String(attemptAt) }),
        },
      });
      return {
        ...{ ...placeOf(target), owner, generation: info.generation, createdAt: info.createdAt },
        ...(attemptAt !== undefined && { attemptAt }),
      };
    } catch (error) {
      // 404: the lock to be replaced is gone.
      if (isStorageError(error, 'preconditionFailed') || isStorageError(error, 'notFound')) return undefined;
      throw error;
    }
  }

  /** The lock on this very object or prefix; undefined where there is none. */
  async read<Target extends LockTarget>(target: Target): Promise<Lock<Target> | undefined> {
    const info = await this.#objects.stat(this.#lockRef(target));
    return info === undefined ? undefined : toLock(info, target);
  }

  /** Whether a lock still stands as it was taken. */
  async isHeld(target: LockTarget, generation: string): Promise<boolean> {
    const isHeld = (await this.#objects.stat(this.#lockRef(target)))?.generation === generation;
    if (!isHeld) this.#observer?.locked?.('lost');
    return isHeld;
  }

  /** Gives a lock back. Gone or in other hands already is fine; false says so. */
  async release(target: LockTarget, generation: string): Promise<boolean> {
    return await this.#objects.remove(this.#lockRef(target), generation);
  }

  /** All the locks there are in a range, in the order of their objects' names. */
  async *list({ bucket, from }: LockRange = {}): AsyncGenerator<ListedLock> {
    for await (const info of this.#objects.list({ bucket: this.#bucket, prefix: locksIn(bucket), startOffset: from })) {
      yield { lock: toLock(info, lockTargetOf(info)), place: `${info.name} ` };
    }
  }

  /** The locks there are on any of these objects. */
  async findAmong(targets: readonly ObjectRef[]): Promise<Lock[]> {
    const byBucket = Map.groupBy(targets, (target) => target.bucket);
    const found = await Promise.all(
      Array.from(byBucket.values(), (group) =>
        group.length < RANGE_LISTING_FROM ? this.#readEach(group) : this.#listAmong(group),
      ),
    );
    return found.flat();
  }

  async #readEach(targets: readonly ObjectRef[]): Promise<Lock[]> {
    const locks = await Promise.all(targets.map((target) => this.read(target)));
    return locks.filter((lock) => lock !== undefined);
  }

  async #listAmong(targets: readonly ObjectRef[]): Promise<Lock[]> {
    // Lock names are plain ASCII, where JavaScript's order is that of the bytes.
    const byName = new Map(targets.map((target) => [lockName(target), target]));
    const names = [...byName.keys()].sort();
    const [first = '', last = ''] = [names[0], names.at(-1)];
    const locks: Lock[] = [];
    const range = { bucket: this.#bucket, prefix: locksIn(), startOffset: first, endOffset: `${last}!` };
    for await (const info of this.#objects.list(range)) {
      const target = byName.get(info.name);
      if (target !== undefined) locks.push(toLock(info, target));
    }
    return locks;
  }

  /**
   * The prefix locks that overlap any of these targets, and the locks on objects under those that are prefixes: one
   * listing a bucket (a single read where it never had a prefix lock), and one a prefix. Locks on the objects asked about
   * are not looked for.
   */
  async findOverlapping(targets: readonly LockTarget[]): Promise<Lock<LockTarget>[]> {
    const buckets = new Set(targets.map(({ bucket }) => bucket));
    const found = await Promise.all([
      ...Array.from(buckets, (bucket): Promise<Lock<LockTarget>[]> => this.listPrefixes(bucket)),
      ...targets.filter(isPrefixRef).map((target) => this.#listUnder(target)),
    ]);
    // Prefixes that overlap list the same locks.
    const locks = new Map(found.flat().map((lock) => [targetKey(lock), lock]));
    return Array.from(locks.values()).filter((lock) => targets.some((target) => overlap(target, lock)));
  }

  /** The buckets that have, or have had, prefix locks. */
  async *listMarkedBuckets(): AsyncGenerator<string> {
    for await (const { name } of this.#objects.list({ bucket: this.#bucket, prefix: PREFIX_MARKS })) {
      yield name.slice(PREFIX_MARKS.length);
    }
  }

  /** All prefix locks of a bucket. */
  async listPrefixes(bucket: string): Promise<Lock<PrefixRef>[]> {
    if (!(await this.#isMarked(bucket))) return [];
    const locks: Lock<PrefixRef>[] = [];
    for await (const info of this.#objects.list({ bucket: this.#bucket, prefix: prefixLocksIn(bucket) })) {
      // One that does not say what it is on may be on anything.
      locks.push(toLock(info, { bucket, prefix: info.metadata['prefix'] ?? '' }));
    }
    return locks;
  }

  async #listUnder({ bucket, prefix }: PrefixRef): Promise<Lock<LockTarget>[]> {
    const locks: Lock[] = [];
    for await (const info of this.#objects.list({
      bucket: this.#bucket,
      prefix: objectLocksUnder({ bucket, prefix }),
    })) {
      // Where names are cut, those of other objects are listed too.
      locks.push(toLock(info, { bucket, name: info.metadata['object'] ?? prefix }));
    }
    return locks;
  }

  #markRef(bucket: string): ObjectRef {
    return { bucket: this.#bucket, name: prefixMarkName(bucket) };
  }

  async #mark(bucket: string): Promise<void> {
    if (await this.#isMarked(bucket)) return;
    try {
      await this.#objects.write(this.#markRef(bucket), '{}', { ifGenerationMatch: '0' });
    } catch (error) {
      if (!isStorageError(error, 'preconditionFailed')) throw error;
    }
    this.#marked.add(bucket);
  }

  /** Whether a bucket may have prefix locks. */
  async #isMarked(bucket: string): Promise<boolean> {
    if (this.#marked.has(bucket)) return true;
    if ((await this.#objects.stat(this.#markRef(bucket))) === undefined) return false;
    this.#marked.add(bucket);
    return true;
  }

  #lockRef(target: LockTarget): ObjectRef {
    return { bucket: this.#bucket, name: lockName(target) };
  }
}

/** Whether two owners are one: the same chain of runs of one job. A lock by hand is never taken for another one. */
export function isSameOwner(one: LockOwner, other: LockOwner): boolean {
  return (
    one.kind === 'job' &&
    other.kind === 'job' &&
    one.correlationId === other.correlationId &&
    one.firstRunId === other.firstRunId &&
    one.namespace === other.namespace
  );
}

function toLock<Target extends LockTarget>(info: ObjectInfo, target: Target): Lock<Target> {
  const createdAt = timeIn(info, 'heldSince') ?? info.createdAt;
  const attemptAt = timeIn(info, 'attemptAt');
  return {
    ...{ ...target, owner: toOwner(info.metadata), generation: info.generation, createdAt },
    ...(attemptAt !== undefined && { attemptAt }),
  };
}

function timeIn({ metadata }: ObjectInfo, key: string): number | undefined {
  const time = Number(metadata[key] ?? Number.NaN);
  return Number.isSafeInteger(time) ? time : undefined;
}

/** What a lock's metadata say it is on. */
function describe(target: LockTarget): Record<string, string> {
  const { bucket } = target;
  return isPrefixRef(target) ? { bucket, prefix: target.prefix } : { bucket, object: target.name };
}

function toOwner(metadata: Readonly<Record<string, string>>): LockOwner {
  const { kind, correlationId, firstRunId, namespace } = metadata;
  if (kind === 'job' && correlationId && firstRunId && namespace) {
    return { kind, correlationId, firstRunId, namespace };
  }
  // Whatever cannot be read as a job's lock is somebody's all the same: only a person may break it.
  return { kind: 'manual', who: metadata['who'] ?? 'unknown', why: metadata['why'] ?? 'unknown' };
}
