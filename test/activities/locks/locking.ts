import { randomUUID } from 'node:crypto';
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
    test.proxy.removeFaults();
    test.logged.splice(0);
    test.jobs.asked.splice(0);
  });
}
