import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mock } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../activities/locks/lock-clock.ts';
import type { Locking } from '../../../activities/locks/take-locks.ts';
import type { CollectionLocation, FileEntry, JobOwner } from '../../../contract/messages.ts';
import type { Lock, LockOwner } from '../../../storage/locks.ts';
import { makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

/** Files to be locked, in two collections of a test's own: `from` is copied from, `to` is copied to. */
export interface Place {
  readonly collections: CollectionLocation[];
  /** Entries that copy these files to the same names. */
  entries(...names: string[]): FileEntry[];
  source(name: string): { bucket: string; name: string };
  destination(name: string): { bucket: string; name: string };
  take(owner: JobOwner, names: readonly string[], options?: { skipLocked?: boolean }): Promise<Locking>;
  /** Takes one lock, or says that it could not. */
  hold(target: { bucket: string; name: string }, owner: LockOwner): Promise<Lock>;
  /** The locks there are on these destinations. */
  locksOn(...names: string[]): Promise<Lock[]>;
}

export function newPlace(test: ActivityTest): Place {
  const prefix = `${randomUUID()}/`;
  const collections = [
    { collectionId: 'from', bucket: test.sourceBucket, prefix, generation: '1' },
    { collectionId: 'to', bucket: test.destinationBucket, prefix, generation: '1' },
  ];
  const source = (name: string) => ({ bucket: test.sourceBucket, name: prefix + name });
  const destination = (name: string) => ({ bucket: test.destinationBucket, name: prefix + name });
  const entries = (...names: string[]) =>
    names.map((name) => ({
      ...{ sourceCollectionId: 'from', fileName: name },
      ...{ destinationCollectionId: 'to', destinationFileName: name },
    }));
  return {
    ...{ collections, entries, source, destination },
    take: (owner, names, options = {}) =>
      test.run('takeLocks', { owner, entries: entries(...names), collections, ...options }),
    async hold(target, owner) {
      const attempt = await test.storage.locks.acquire(target, owner);
      if (!attempt.taken) throw new Error(`${target.name} is locked already`);
      return attempt.lock;
    },
    async locksOn(...names) {
      const locks = await Promise.all(names.map((name) => test.storage.locks.read(destination(name))));
      return locks.filter((lock) => lock !== undefined);
    },
  };
}

/** What each test of locks has. */
export interface LockTest {
  test: ActivityTest;
  place: Place;
  /** Its larger correlation id gives way at once, so that a refusal takes no time. */
  owner: JobOwner;
  other: JobOwner;
}

/** Makes that for each test of a suite, and takes away afterwards what it has left. To be called inside `describe`. */
export function useLocks(use: (locks: LockTest) => void): void {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    const owner = newOwner({ correlationId: `f${randomUUID().slice(1)}` });
    const other = newOwner({ correlationId: `0${randomUUID().slice(1)}` });
    use({ test, place: newPlace(test), owner, other });
  });

  afterEach(() => {
    mock.restoreAll();
    test.proxy.removeFaults();
    test.logged.splice(0);
    test.jobs.asked.splice(0);
  });
}

/** The clock that locks are taken by, stopped. */
interface StoppedClock {
  /** Pauses that were made between two tries. */
  readonly pauses: number;
  /** Waits for so many of them. */
  pausedTimes(count: number): Promise<void>;
  /** Lets time pass: longer than any job tries again, and than any lock counts as new. */
  pass(): void;
}

/**
 * Stops the clock that locks are taken by until the end of the test, however long the requests take: nobody's time to try
 * again is over until it passes. A pause is a short one, and takes no time by that clock.
 */
export function stopClock(): StoppedClock {
  const stoppedAt = { now: systemClock.now(), elapsed: systemClock.elapsed() };
  let passed = 0;
  mock.method(systemClock, 'now', () => stoppedAt.now + passed);
  mock.method(systemClock, 'elapsed', () => stoppedAt.elapsed + passed);
  const pause = mock.method(systemClock, 'pause', () => delay(5));
  return {
    get pauses() {
      return pause.mock.callCount();
    },
    async pausedTimes(count) {
      while (pause.mock.callCount() < count) await delay(1);
    },
    pass() {
      passed += 10_000;
    },
  };
}

/** Settles once somebody has got through of those who try for the same; fails where nobody does. */
export async function oneGetsThrough(tries: readonly Promise<{ locked: boolean }>[]): Promise<void> {
  const successes = tries.map(async (each) => {
    assert.ok((await each).locked);
  });
  try {
    await Promise.any(successes);
  } catch {
    await Promise.all(tries);
    assert.fail('nobody got through');
  }
}
