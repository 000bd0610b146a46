import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { LockOwner } from '../../../storage/locks.ts';
import { alterJson, answerError, resetAfter } from '../../support/storage-proxy/index.ts';
import { newPlace, oneGetsThrough, stopClock, useLocks, type Place } from './locking.ts';
import { failsWith, newOwner, type ActivityTest } from '../support.ts';

describe('takeLocks', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let other: JobOwner;

  useLocks((locks) => {
    ({ test, place, owner, other } = locks);
  });

  const MANUAL = { kind: 'manual', who: 'zoë', why: 'audit' } as const;
  const isRefused = { locked: false };
  const matches = (actual: object, expected: object) => {
    assert.deepEqual({ ...actual, ...expected }, actual);
  };
  const by = (holder: LockOwner) =>
    `the file is locked by ${holder.kind === 'job' ? `job ${holder.correlationId}` : `${holder.who} (${holder.why})`}`;
  const to = (fileName: string, holder: LockOwner) => ({ collectionId: 'to', fileName, message: by(holder) });
  const from = (fileName: string, holder: LockOwner) => ({ collectionId: 'from', fileName, message: by(holder) });

  describe('takes', () => {
    it('a lock on every destination, in the order of the entries', async () => {
      const taken = await place.take(owner, ['c', 'a', 'b']);
      const locks = await place.locksOn('c', 'a', 'b');
      assert.deepEqual(taken, {
        locked: true,
        locks: locks.map(({ generation, createdAt }) => ({ generation, createdAt })),
      });
      for (const lock of locks) assert.deepEqual(lock.owner, owner);
      assert.equal(await test.storage.locks.read(place.source('a')), undefined);
    });

    it('many at once', async () => {
      const names = Array.from({ length: 200 }, (_, index) => `file ${index}`);
      const taken = await place.take(owner, names);
      assert.ok(taken.locked);
      const locks = await place.locksOn(...names);
      assert.deepEqual(
        taken.locks.map((lock) => lock?.generation),
        locks.map(({ generation }) => generation),
      );
    });

    it('the same locks again where it is repeated', async () => {
      const first = await place.take(owner, ['a', 'b']);
      const again = await place.take(owner, ['a', 'b']);
      assert.ok(first.locked && again.locked);
      const since = (locks: typeof first.locks) => locks.map((lock) => lock?.createdAt);
      assert.deepEqual(since(again.locks), since(first.locks));
      const standing = await place.locksOn('a', 'b');
      assert.deepEqual(
        again.locks.map((lock) => lock?.generation),
        standing.map(({ generation }) => generation),
      );
    });

    it('those it had made where the answer was lost, and the rest', async () => {
      const name = lockName(place.destination('b'));
      test.proxy.inject({ operation: 'upload', name }, resetAfter(), { times: 1 });
      await failsWith(place.take(owner, ['a', 'b', 'c']), 'STORAGE_UNAVAILABLE', { retryable: true });
      const taken = await place.take(owner, ['a', 'b', 'c']);
      assert.ok(taken.locked);
      for (const lock of await place.locksOn('a', 'b', 'c')) assert.deepEqual(lock.owner, owner);
    });

    it('a file that others only read', async () => {
      const reader = newPlace(test);
      assert.ok((await place.take(owner, ['a'])).locked);
      const toSource = { ...reader.entries('a')[0]!, destinationCollectionId: 'from', sourceCollectionId: 'to' };
      const written = await test.run('takeLocks', {
        owner: other,
        entries: [toSource],
        collections: reader.collections,
      });
      assert.ok(written.locked);
      assert.ok((await place.take(newOwner(), ['b'])).locked);
    });
  });

  describe('takes nothing', () => {
    it('where another job has one of the files; it says which, and who', async () => {
      const held = await place.hold(place.destination('b'), other);
      assert.deepEqual(await place.take(owner, ['a', 'b', 'c']), {
        locked: false,
        files: [to('b', other)],
        holders: [`job ${other.correlationId}`],
      });
      assert.deepEqual(await place.locksOn('a', 'b', 'c'), [held]);
    });

    it('where several have, listing all of the files', async () => {
      await place.hold(place.destination('a'), other);
      const third = newOwner({ correlationId: `1${randomUUID().slice(1)}` });
      await place.hold(place.destination('b'), third);
      await place.hold(place.destination('d'), MANUAL);
      const taken = await place.take(owner, ['a', 'b', 'c', 'd']);
      assert.ok(!taken.locked);
      assert.deepEqual(taken.files, [to('a', other), to('b', third), to('d', MANUAL)]);
      assert.equal(taken.holders.length, 3);
      assert.ok(taken.holders.includes('zoë (audit)'));
    });

    it('where another job is writing one of the sources', async () => {
      await place.hold(place.source('b'), other);
      matches(await place.take(owner, ['a', 'b']), { ...isRefused, files: [from('b', other)] });
      assert.deepEqual(await place.locksOn('a', 'b'), []);
    });

    it('where a person has locked a file with many words, of which the first are told', async () => {
      await place.hold(place.destination('a'), { ...MANUAL, why: 'ü'.repeat(101) });
      const told = { ...MANUAL, why: `${'ü'.repeat(100)}…` };
      matches(await place.take(owner, ['a']), { ...isRefused, files: [to('a', told)] });
    });

    it('where many are written, found in one listing', async () => {
      const names = Array.from({ length: 12 }, (_, index) => `file ${String(index).padStart(2, '0')}`);
      for (const name of ['file 03', 'file 11']) await place.hold(place.source(name), other);
      matches(await place.take(owner, names), {
        ...isRefused,
        files: [from('file 03', other), from('file 11', other)],
      });
    });

    it('where a person has locked a file; nobody is asked about that', async () => {
      await place.hold(place.destination('a'), MANUAL);
      matches(await place.take(owner, ['a']), isRefused);
      assert.deepEqual(test.jobs.asked, []);
    });

    it('where each of two jobs writes what the other reads: one of them at most goes on', async () => {
      const swapped = place.collections.map(({ collectionId, ...rest }) => ({
        ...rest,
        collectionId: collectionId === 'from' ? 'to' : 'from',
      }));
      const entries = place.entries('a');
      const both = await Promise.all([
        test.run('takeLocks', { owner, entries, collections: place.collections }),
        test.run('takeLocks', { owner: other, entries, collections: swapped }),
      ]);
      assert.ok(both.filter(({ locked }) => locked).length <= 1);
    });

    it('and is tried again where storage fails', async () => {
      test.proxy.inject({ bucket: test.controlBucket }, answerError(503));
      await failsWith(place.take(owner, ['a']), 'STORAGE_UNAVAILABLE', { retryable: true });
    });
  });

  describe('with skipLocked', () => {
    it('takes what it can, and leaves out what others hold or write', async () => {
      await place.hold(place.destination('b'), other);
      await place.hold(place.source('c'), other);
      const taken = await place.take(owner, ['a', 'b', 'c', 'd'], { skipLocked: true });
      assert.ok(taken.locked);
      const [a, d] = await place.locksOn('a', 'd');
      assert.deepEqual(
        taken.locks.map((lock) => lock?.generation),
        [a?.generation, undefined, undefined, d?.generation],
      );
      assert.deepEqual(await place.locksOn('c'), [], 'the lock on what it does not copy is given back');
      assert.deepEqual(
        (await place.locksOn('b')).map((lock) => lock.owner),
        [other],
      );
    });

    it('takes nothing where everything is held', async () => {
      await place.hold(place.destination('a'), other);
      assert.deepEqual(await place.take(owner, ['a'], { skipLocked: true }), { locked: true, locks: [null] });
    });
  });

  describe('a lock whose job', () => {
    /** Makes a lock look as old as this, in milliseconds. */
    function age(target: { bucket: string; name: string }, ms: number): void {
      const timeCreated = new Date(Date.now() - ms).toISOString();
      const older = alterJson((resource) => ({ ...resource, timeCreated }));
      test.proxy.inject({ operation: 'stat', name: lockName(target) }, older);
    }

    it('has ended is taken over', async () => {
      const { generation } = await place.hold(place.destination('a'), other);
      test.jobs.say(other, 'ended');
      assert.ok((await place.take(owner, ['a'])).locked);
      const [lock] = await place.locksOn('a');
      assert.deepEqual(lock?.owner, owner);
      assert.notEqual(lock.generation, generation);
      assert.deepEqual(
        [test.logged[0]?.['msg'], test.logged[0]?.['correlationId']],
        ['found a stale lock', other.correlationId],
      );
    });

    it('has ended does not keep a source back', async () => {
      await place.hold(place.source('a'), other);
      test.jobs.say(other, 'ended');
      assert.ok((await place.take(owner, ['a'])).locked);
    });

    it('is unknown to Temporal stands while it is young', async () => {
      await place.hold(place.destination('a'), other);
      test.jobs.say(other, 'unknown');
      matches(await place.take(owner, ['a']), isRefused);
      age(place.destination('a'), 9_000);
      matches(await place.take(owner, ['a']), isRefused);
    });

    it('is unknown to Temporal is taken over once it is old', async () => {
      await place.hold(place.destination('a'), other);
      test.jobs.say(other, 'unknown');
      age(place.destination('a'), 11_000);
      assert.ok((await place.take(owner, ['a'])).locked);
    });

    it('runs stands however old it is', async () => {
      await place.hold(place.destination('a'), other);
      age(place.destination('a'), 30 * 24 * 3_600_000);
      matches(await place.take(owner, ['a']), isRefused);
    });

    it('cannot be asked about stands: Temporal is unreachable', async () => {
      await place.hold(place.destination('a'), other);
      test.jobs.say(other, 'unreachable');
      age(place.destination('a'), 3_600_000);
      matches(await place.take(owner, ['a']), isRefused);
      assert.equal(test.logged[0]?.['msg'], 'cannot ask Temporal about the holder of a lock');
    });

    it('is of another namespace stands, and is not asked about', async () => {
      const foreign = newOwner({ namespace: 'another' });
      await place.hold(place.destination('a'), foreign);
      test.jobs.say(foreign, 'ended');
      matches(await place.take(owner, ['a']), isRefused);
      assert.deepEqual(test.jobs.asked, []);
    });

    it('holds many files is asked about once', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      for (const name of names) await place.hold(place.destination(name), other);
      test.jobs.say(other, 'ended');
      assert.ok((await place.take(owner, names)).locked);
      assert.deepEqual(test.jobs.asked, [other.correlationId]);
    });

    it('has ended is taken over by one of ten', async () => {
      const held = await place.hold(place.destination('a'), other);
      test.jobs.say(other, 'ended');
      const contenders = Array.from({ length: 10 }, () => newOwner());
      const results = await Promise.all(contenders.map((contender) => place.take(contender, ['a'])));
      assert.equal(results.filter(({ locked }) => locked).length, 1);
      const [lock] = await place.locksOn('a');
      assert.notEqual(lock?.generation, held.generation);
      assert.deepEqual(lock?.owner, contenders[results.findIndex(({ locked }) => locked)]);
    });
  });

  describe('of two jobs that want the same files', () => {
    const SMALL = '00000000-0000-4000-8000-000000000000';
    const LARGE = 'ffffffff-ffff-4fff-bfff-ffffffffffff';

    it('the larger correlation id gives way at once, with all it has', async () => {
      const small = newOwner({ correlationId: SMALL });
      const large = newOwner({ correlationId: LARGE });
      const clock = stopClock();
      await place.hold(place.destination('b'), small);
      matches(await place.take(large, ['a', 'b']), isRefused);
      assert.equal(clock.pauses, 0);
      assert.deepEqual(await place.locksOn('a'), []);
    });

    it('the smaller one waits for the other to back out', async () => {
      const small = newOwner({ correlationId: SMALL });
      const large = newOwner({ correlationId: LARGE });
      const clock = stopClock();
      const { generation } = await place.hold(place.destination('b'), large);
      const taking = place.take(small, ['a', 'b']);
      // It has been refused once, has asked again and been refused again.
      await clock.pausedTimes(2);
      await test.storage.locks.release(place.destination('b'), generation);
      assert.ok((await taking).locked);
      for (const { owner: holder } of await place.locksOn('a', 'b')) assert.deepEqual(holder, small);
    });

    it('the smaller one does not wait for a job that has had its locks for long, nor for a person', async () => {
      const small = newOwner({ correlationId: SMALL });
      const clock = stopClock();
      await place.hold(place.destination('b'), MANUAL);
      matches(await place.take(small, ['a', 'b']), isRefused);
      await place.hold(place.destination('c'), newOwner({ correlationId: LARGE }));
      clock.pass();
      matches(await place.take(small, ['a', 'c']), isRefused);
      assert.equal(clock.pauses, 0);
    });
  });

  it('of ten contenders for overlapping files never two get the same, and somebody gets through', async () => {
    const clock = stopClock();
    const arenas = [newPlace(test), newPlace(test), newPlace(test)];
    const contests = arenas.map((arena) => ({ arena, contenders: contend(arena) }));
    await Promise.all(contests.map(({ contenders }) => oneGetsThrough(contenders.map(({ result }) => result))));
    clock.pass();
    for (const { arena, contenders } of contests) await assertSound(arena, contenders);
  });

  /** Has ten try for overlapping files at once. */
  function contend(arena: Place) {
    const sets = [
      ['x', 'y'],
      ['y', 'z'],
      ['z', 'x', 'w'],
      ['w', 'y'],
      ['x', 'y', 'z', 'w'],
    ];
    return Array.from({ length: 10 }, (_, index) => {
      const [contender, names] = [newOwner(), sets[index % 5] ?? []];
      return { owner: contender, names, result: arena.take(contender, names) };
    });
  }

  async function assertSound(arena: Place, contenders: ReturnType<typeof contend>): Promise<void> {
    const results = await Promise.all(contenders.map(({ result }) => result));
    const winners = contenders.filter((_, index) => results[index]?.locked);
    const won = winners.flatMap(({ owner: { correlationId }, names }) =>
      names.map((name) => ({ correlationId, name })),
    );
    assert.equal(new Set(won.map(({ name }) => name)).size, won.length, 'two have the same file');
    const locks = await arena.locksOn('w', 'x', 'y', 'z');
    assert.equal(locks.length, won.length, 'those who got nothing left locks behind');
    for (const { correlationId, name } of won) {
      const [lock] = await arena.locksOn(name);
      assert.ok(lock?.owner.kind === 'job' && lock.owner.correlationId === correlationId);
    }
  }
});
