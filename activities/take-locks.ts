import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { indexCollections, locate } from '../contract/locate.ts';
import type { CollectionLocation, FileEntry, JobOwner, LockedFile } from '../contract/messages.ts';
import type { Lock, LockStore } from '../storage/locks.ts';
import type { ObjectRef } from '../storage/objects.ts';
import { mapConcurrently } from './concurrency.ts';
import type { HeldLock } from './copy-file.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toFailure } from './failures.ts';
import { Lease } from './lease.ts';
import { createStalenessCheck, type StalenessCheck } from './stale-locks.ts';

export interface LockTask {
  owner: JobOwner;
  entries: FileEntry[];
  collections: CollectionLocation[];
}

/** All locks, in the order of the entries, or none and the files that others hold. */
export type Locking = { locked: true; locks: HeldLock[] } | { locked: false; files: LockedFile[] };

/** Requests to the lock objects at a time. */
const LOCKS_IN_FLIGHT = 32;

/** How long a job that is to have its way tries again while another one still backs out, in milliseconds. */
const CONTEST_MS = 2_000;
const CONTEST_PAUSE_MS = 50;

/**
 * Locks every destination file or none, and sees that no source file is being written by another job. A lock whose
 * job no longer runs is taken over. Repeated after a lost answer, it finds its own locks in place.
 */
export async function takeLocks(
  { storage, jobs, log }: ActivityDependencies,
  { owner, entries, collections }: LockTask,
): Promise<Locking> {
  using _lease = new Lease(Context.current());
  const places = indexCollections(collections);
  const files = entries.map((entry) => locate(entry, places));
  const isStale = createStalenessCheck(jobs, log);
  try {
    const taking = new LockSet(storage.locks, owner, isStale);
    const destinations = files.map(({ destination }) => destination);
    const held = await taking.takeAll(destinations);
    const written = held
      ? await findWritten(
          storage.locks,
          files.map(({ source }) => source),
          isStale,
        )
      : new Set<string>();
    if (held && written.size === 0) {
      return { locked: true, locks: taking.locksOf(destinations) };
    }
    await taking.releaseAll();
    const locked = entries.flatMap((entry, index): LockedFile[] => {
      const { source, destination } = files[index] as (typeof files)[number];
      return [
        ...(written.has(key(source)) ? [{ collectionId: entry.sourceCollectionId, fileName: entry.fileName }] : []),
        ...(taking.isContested(destination)
          ? [{ collectionId: entry.destinationCollectionId, fileName: entry.destinationFileName }]
          : []),
      ];
    });
    return { locked: false, files: locked };
  } catch (error) {
    throw toFailure(error);
  }
}

/** Sources that another living job is writing. One that is only being read may be written, so this asks no lock. */
async function findWritten(locks: LockStore, sources: ObjectRef[], isStale: StalenessCheck): Promise<Set<string>> {
  const written = new Set<string>();
  for (const lock of await locks.findAmong(sources)) {
    if (!(await isStale(lock))) written.add(key(lock));
  }
  return written;
}

/** The locks of one job while it takes them. */
class LockSet {
  readonly #locks: LockStore;
  readonly #owner: JobOwner;
  readonly #isStale: StalenessCheck;
  readonly #held = new Map<string, Lock>();
  readonly #contested = new Map<string, Lock>();

  constructor(locks: LockStore, owner: JobOwner, isStale: StalenessCheck) {
    this.#locks = locks;
    this.#owner = owner;
    this.#isStale = isStale;
  }

  /**
   * Tries for all of them; false: some are contested. Two jobs that want the same files may each have got some of them
   * first. Both would be refused, so the larger correlation id gives way at once, and the smaller one, which holds
   * something the other may be waiting for, tries again for a while.
   */
  async takeAll(targets: readonly ObjectRef[]): Promise<boolean> {
    const giveUpAt = performance.now() + CONTEST_MS;
    let wanted = targets;
    for (;;) {
      await mapConcurrently(wanted, LOCKS_IN_FLIGHT, (target) => this.#take(target));
      if (this.#contested.size === 0) return true;
      if (performance.now() >= giveUpAt || !this.#hasPrecedence()) return false;
      await delay(CONTEST_PAUSE_MS * (1 + Math.random()));
      wanted = targets.filter((target) => this.#contested.has(key(target)));
    }
  }

  #hasPrecedence(): boolean {
    if (this.#held.size === 0) return false;
    return [...this.#contested.values()].every(
      ({ owner, createdAt }) =>
        owner.kind === 'job' && this.#owner.correlationId < owner.correlationId && Date.now() - createdAt < CONTEST_MS,
    );
  }

  async #take(target: ObjectRef): Promise<void> {
    for (;;) {
      const attempt = await this.#locks.acquire(target, this.#owner);
      if (attempt.taken) {
        this.#hold(attempt.lock);
        return;
      }
      if (!(await this.#isStale(attempt.holder))) {
        this.#contested.set(key(target), attempt.holder);
        return;
      }
      const lock = await this.#locks.takeOver(attempt.holder, this.#owner);
      if (lock !== undefined) {
        this.#hold(lock);
        return;
      }
      // Another contender was faster: see who holds it now.
    }
  }

  #hold(lock: Lock): void {
    this.#contested.delete(key(lock));
    this.#held.set(key(lock), lock);
  }

  async releaseAll(): Promise<void> {
    await mapConcurrently([...this.#held.values()], LOCKS_IN_FLIGHT, async (lock) => {
      await this.#locks.release(lock, lock.generation);
    });
  }

  isContested(target: ObjectRef): boolean {
    return this.#contested.has(key(target));
  }

  locksOf(targets: readonly ObjectRef[]): HeldLock[] {
    return targets.map((target) => {
      const { generation, createdAt } = this.#held.get(key(target)) as Lock;
      return { generation, createdAt };
    });
  }
}

/** Object names hold no line feed, so this key is unambiguous. */
function key({ bucket, name }: ObjectRef): string {
  return `${bucket}\n${name}`;
}
