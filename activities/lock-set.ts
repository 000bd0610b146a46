import { setTimeout as delay } from 'node:timers/promises';
import type { JobOwner } from '../contract/messages.ts';
import type { Lock, LockStore } from '../storage/locks.ts';
import type { ObjectRef } from '../storage/objects.ts';
import { mapConcurrently } from './concurrency.ts';
import type { StalenessCheck } from './stale-locks.ts';

/** Requests to the lock objects at a time. */
const LOCKS_IN_FLIGHT = 32;

/** How long a job that is to have its way tries again while another one still backs out, in milliseconds. */
const CONTEST_MS = 2_000;
const CONTEST_PAUSE_MS = 50;

/** The locks of one job while it takes them. */
export class LockSet {
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

  /** Tries for each of them once. */
  async takeEach(targets: readonly ObjectRef[]): Promise<void> {
    await mapConcurrently(targets, LOCKS_IN_FLIGHT, (target) => this.#take(target));
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
      await this.takeEach(wanted);
      if (this.#contested.size === 0) return true;
      if (performance.now() >= giveUpAt || !this.#hasPrecedence()) return false;
      await delay(CONTEST_PAUSE_MS * (1 + Math.random()));
      wanted = targets.filter((target) => this.#contested.has(objectKey(target)));
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
        this.#contested.set(objectKey(target), attempt.holder);
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
    this.#contested.delete(objectKey(lock));
    this.#held.set(objectKey(lock), lock);
  }

  /** Gives those of these locks back that were taken. */
  async release(targets: readonly ObjectRef[]): Promise<void> {
    await mapConcurrently(targets, LOCKS_IN_FLIGHT, async (target) => {
      const lock = this.#held.get(objectKey(target));
      if (lock === undefined) return;
      await this.#locks.release(lock, lock.generation);
      this.#held.delete(objectKey(target));
    });
  }

  /** The lock that was taken on an object. */
  heldOn(target: ObjectRef): Lock | undefined {
    return this.#held.get(objectKey(target));
  }

  /** The lock that stands in the way. */
  contestedOn(target: ObjectRef): Lock | undefined {
    return this.#contested.get(objectKey(target));
  }
}

/** One text for one object; names hold no line feed. */
export function objectKey({ bucket, name }: ObjectRef): string {
  return `${bucket}\n${name}`;
}
