import type { Logger } from '../../config/logger.ts';
import type { JobOwner } from '../../contract/messages.ts';
import { isPrefixRef, overlap, placeOf, targetKey, type LockTarget } from '../../storage/lock-targets.ts';
import { isSameOwner, type Lock, type LockStore, type TakenLock } from '../../storage/locks.ts';
import type { ObjectRef } from '../../storage/objects.ts';
import { mapConcurrently } from '../concurrency.ts';
import { failure } from '../failures.ts';
import { givingBack, type FirstAttempt } from './first-attempt.ts';
import type { Lease } from './lease.ts';
import { LockedPlaces } from './locked-places.ts';
import { systemClock, type LockClock } from './lock-clock.ts';
import type { StalenessCheck } from './stale-locks.ts';

/** Requests to the lock objects at a time. */
const LOCKS_IN_FLIGHT = 32;

/** How long a job that is to have its way tries again while another one still backs out, in milliseconds. */
const CONTEST_MS = 2_000;
const CONTEST_PAUSE_MS = 50;

/** What a job needs to itself. */
export interface Wanted {
  /** What it writes, and locks. */
  targets: readonly LockTarget[];
  /** What it reads: it locks none of them, but no other job may be writing them. */
  sources: readonly LockTarget[];
}

/** What the locks of one job are taken with. */
export interface LockSetOptions {
  locks: LockStore;
  owner: JobOwner;
  isStale: StalenessCheck;
  /** Of the attempt that takes them. */
  lease: Pick<Lease, 'check' | 'isLost'>;
  /** When that attempt was begun, in milliseconds since the epoch. */
  attemptAt: number;
  /** What that attempt has made, where it is to find nothing else of its job; absent: it goes on from what there is. */
  first?: FirstAttempt | undefined;
  clock?: LockClock;
}

/**
 * The locks of one job while it takes them. All of its own locks are made first, and those of others that overlap them
 * or are on its sources are looked for after that: of two jobs that want the same, at least one sees the other.
 *
 * An attempt that was given up may still be under way: where Temporal was away for some time, say, another worker was given
 * its task, and nobody has told it. So what an earlier attempt of the same job has made is renewed: nothing that only knows
 * the former generation can release what this attempt tells of as held. And what a later attempt has made is left alone:
 * each writes into its locks when it was begun. A local attempt takes nothing but new locks (`FirstAttempt`).
 */
export class LockSet {
  readonly #locks: LockStore;
  readonly #owner: JobOwner;
  readonly #isStale: StalenessCheck;
  readonly #lease: Pick<Lease, 'check' | 'isLost'>;
  readonly #attemptAt: number;
  readonly #first: FirstAttempt | undefined;
  readonly #clock: LockClock;
  /** Its own locks. */
  readonly #held = new Map<string, Lock<LockTarget>>();
  /** Those of them that no attempt had made before. */
  readonly #made = new Set<Lock<LockTarget>>();
  /** Locks of others in the very place of its own. */
  readonly #contested = new Map<string, Lock<LockTarget>>();
  /** Locks of others that overlap its targets, or are on its sources. */
  #crossing: Lock<LockTarget>[] = [];
  #stoodAt: number | undefined;

  constructor({ locks, owner, isStale, lease, attemptAt, first, clock = systemClock }: LockSetOptions) {
    this.#locks = locks;
    this.#owner = owner;
    this.#isStale = isStale;
    this.#lease = lease;
    this.#attemptAt = attemptAt;
    this.#first = first;
    this.#clock = clock;
  }

  /** Tries for each of the targets once, whatever stands in the way of others. */
  async takeEach(wanted: Wanted): Promise<void> {
    await this.#make(wanted.targets);
    await this.#lookAround(wanted);
    // What nobody waits for any more nobody will know of, and it would be in the way of others.
    this.#lease.check();
  }

  /**
   * Takes the locks on all of the targets, or none: false. Two jobs that see each other would both be refused; so the
   * larger correlation id gives way at once, and the smaller one, which holds something the other may be waiting for,
   * tries again for a while.
   */
  async takeAll(wanted: Wanted): Promise<boolean> {
    const giveUpAt = this.#clock.elapsed() + CONTEST_MS;
    for (;;) {
      await this.takeEach(wanted);
      if (this.#contested.size === 0 && this.#crossing.length === 0) return true;
      if (this.#clock.elapsed() >= giveUpAt || !this.#hasPrecedence()) break;
      // Of an attempt that nobody waits for any more the locks stay, as where it fails otherwise.
      this.#lease.check();
      await this.#clock.pause(CONTEST_PAUSE_MS);
    }
    await this.release(wanted.targets);
    return false;
  }

  /**
   * Takes the locks on all targets of which others leave anything, and gives what they hold: of the targets, around
   * them, and of the sources. All of that was there once the locks stood, and whoever comes later sees these: so nothing
   * under them is anybody else's, but for what is given. Where no source is left to be read, nothing is held.
   */
  async takeTheRest(wanted: Wanted): Promise<LockTarget[]> {
    await this.takeEach(wanted);
    const { targets, sources } = wanted;
    const others = this.#others();
    const places = new LockedPlaces(others);
    const isReadable = sources.length === 0 || sources.some((source) => !places.cover(source));
    await this.release(isReadable ? targets.filter((target) => places.cover(target)) : targets);
    return others;
  }

  #others(): LockTarget[] {
    const all = new Map([...this.#contested.values(), ...this.#crossing].map((lock) => [targetKey(lock), lock]));
    return [...all].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, lock]) => placeOf(lock));
  }

  #hasPrecedence(): boolean {
    if (this.#held.size === 0) return false;
    return [...this.#contested.values(), ...this.#crossing].every(
      ({ owner, createdAt }) =>
        owner.kind === 'job' &&
        this.#owner.correlationId < owner.correlationId &&
        this.#clock.now() - createdAt < CONTEST_MS,
    );
  }

  async #make(targets: readonly LockTarget[]): Promise<void> {
    // Each once: two tries for one lock would tell of two states of it.
    const byKey = new Map(targets.map((target) => [targetKey(target), target]));
    const missing = [...byKey].filter(([key]) => !this.#held.has(key)).map(([, target]) => target);
    await mapConcurrently(missing, LOCKS_IN_FLIGHT, (target) => this.#take(target));
  }

  async #take(target: LockTarget): Promise<void> {
    for (;;) {
      this.#lease.check();
      const attempt = await this.#locks.acquire(target, this.#owner, this.#attemptAt);
      if (!attempt.taken && !(await this.#isStale(attempt.holder))) {
        this.#contested.set(targetKey(target), attempt.holder);
        return;
      }
      const lock = attempt.taken ? await this.#own(attempt) : await this.#takeOver(attempt.holder);
      if (lock !== undefined) {
        this.#hold(lock);
        return;
      }
      // Another contender, or an attempt that was given up, was faster: see who holds it now.
    }
  }

  async #takeOver(holder: Lock<LockTarget>): Promise<Lock<LockTarget> | undefined> {
    this.#lease.check();
    const lock = await this.#locks.takeOver(holder, this.#owner, this.#attemptAt);
    if (lock !== undefined) this.#made.add(lock);
    return lock;
  }

  async #own({ lock, isNew }: TakenLock<LockTarget>): Promise<Lock<LockTarget> | undefined> {
    if (isNew) {
      this.#made.add(lock);
      return lock;
    }
    if (this.#first !== undefined) {
      this.#first.expectOwn(targetKey(lock), lock.generation);
      return lock;
    }
    checkOrder(lock, this.#attemptAt);
    // What is in place now may be a later attempt's. Of a generation that was seen before this check it is not.
    this.#lease.check();
    const renewed = await this.#locks.renew(lock, this.#attemptAt);
    // Its own, of which the answer was lost.
    if (renewed !== undefined && lock.attemptAt === this.#attemptAt) this.#made.add(renewed);
    return renewed;
  }

  #hold(lock: Lock<LockTarget>): void {
    this.#first?.note(targetKey(lock), lock.generation);
    this.#contested.delete(targetKey(lock));
    this.#held.set(targetKey(lock), lock);
  }

  async #lookAround({ targets, sources }: Wanted): Promise<void> {
    const sourceObjects = sources.filter((source): source is ObjectRef => !isPrefixRef(source));
    const begunAt = performance.now();
    const found = await Promise.all([
      this.#locks.findOverlapping([...targets, ...sources]),
      this.#locks.findAmong(sourceObjects),
    ]);
    const others = found.flat().filter(({ owner }) => !isSameOwner(owner, this.#owner));
    this.#stoodAt = this.#standsIn(found.flat(), targets) ? begunAt : undefined;
    const stale = await Promise.all(others.map((lock) => this.#isStale(lock)));
    this.#crossing = others.filter((_, index) => stale[index] === false);
    // Our own lock stands beside it already, so to take it over is to remove it: its job, should it still be writing,
    // is to see that it has lost it.
    const lost = others.filter((lock, index) => stale[index] && targets.some((target) => overlap(target, lock)));
    await mapConcurrently(lost, LOCKS_IN_FLIGHT, async (lock) => {
      await this.#locks.release(lock, lock.generation);
    });
  }

  /** Whether all of its own locks on these targets are among what was listed, as they were taken. */
  #standsIn(found: readonly Lock<LockTarget>[], targets: readonly LockTarget[]): boolean {
    const generations = new Map(found.map((lock) => [targetKey(lock), lock.generation]));
    return targets.every((target) => {
      const held = this.#held.get(targetKey(target));
      return held !== undefined && generations.get(targetKey(held)) === held.generation;
    });
  }

  /**
   * When the last look around was begun, by the monotonic clock, if it has shown all of the job's locks as they were
   * taken. Locks on single objects are not listed with those of others, and are not shown.
   */
  get stoodAt(): number | undefined {
    return this.#stoodAt;
  }

  /** Gives those of these locks back that were taken. */
  async release(targets: readonly LockTarget[]): Promise<void> {
    const held = targets.flatMap((target) => this.#held.get(targetKey(target)) ?? []);
    await mapConcurrently(held, LOCKS_IN_FLIGHT, async (lock) => {
      await this.#locks.release(lock, lock.generation);
      this.#held.delete(targetKey(lock));
      this.#made.delete(lock);
    });
  }

  /**
   * Gives back what an attempt has taken that failed, where nobody knows of it and it would be in the way of others until
   * the job's end, or longer: all of a first one, and what no attempt had made before of one that is lost. What a later one
   * has renewed has another generation by now, and stays. Of any other attempt all locks stay: the next one renews them.
   */
  async undo(log: Logger): Promise<void> {
    if (this.#first === undefined && !this.#lease.isLost) return;
    const unknown = this.#first === undefined ? this.#made : this.#held.values();
    await givingBack({ log, correlationId: this.#owner.correlationId }, () => this.release([...unknown]));
  }

  /** The lock that was taken on a target. */
  heldOn(target: LockTarget): Lock<LockTarget> | undefined {
    return this.#held.get(targetKey(target));
  }

  /** The locks of others that stand in the way of writing a target, or of reading a source. */
  inTheWayOf(target: LockTarget): Lock<LockTarget>[] {
    const contested = this.#contested.get(targetKey(target));
    const crossing = this.#crossing.filter((lock) => overlap(target, lock));
    return contested === undefined ? crossing : [contested, ...crossing];
  }
}

/** Throws a retryable failure where a lock of this job is a later attempt's: whoever finds that was given up. */
export function checkOrder(lock: Pick<Lock, 'attemptAt'>, attemptAt: number): void {
  if ((lock.attemptAt ?? 0) > attemptAt) throw failure('WORKER_LOST', 'another attempt has taken the locks since');
}
