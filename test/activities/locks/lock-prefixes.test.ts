import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import type { HeldPrefixLock, JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { targetKey, type LockTarget } from '../../../storage/lock-targets.ts';
import { answerError, holdBefore, resetAfter } from '../../support/storage-proxy/index.ts';
import { oneGetsThrough, stopClock, useLocks, type Place } from './locking.ts';
import { failsWith, newOwner, type ActivityTest } from '../support.ts';

const SMALL = '00000000-0000-4000-8000-000000000000';
const LARGE = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
const MANUAL = { kind: 'manual', who: 'zoë', why: 'audit' } as const;

describe('locks on prefixes', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let other: JobOwner;

  useLocks((locks) => {
    ({ test, place, owner, other } = locks);
  });

  const to = (fileName: string) => ({ collectionId: 'to', fileName });
  const from = (fileName: string) => ({ collectionId: 'from', fileName });
  const under = ({ bucket, name }: { bucket: string; name: string }) => ({ bucket, prefix: name });
  const writes = (prefix: string) => under(place.destination(prefix));
  const reads = (prefix: string) => under(place.source(prefix));

  const lock = (by: JobOwner, prefixes: string[], sources: LockTarget[] = []) =>
    test.run('lockPrefixes', { owner: by, prefixes: prefixes.map(writes), sources, collections: place.collections });

  async function locked(by: JobOwner, prefixes: string[], sources: LockTarget[] = []): Promise<HeldPrefixLock[]> {
    const result = await lock(by, prefixes, sources);
    assert.ok(result.locked);
    return result.locks;
  }

  const refused = (files: { collectionId: string; fileName: string }[], ...holders: JobOwner[]) => ({
    locked: false,
    files,
    holders: holders.map(({ correlationId }) => `job ${correlationId}`),
  });

  /** A file, a prefix or the whole collection that this job holds. */
  const held = (place: { collectionId: string; fileName: string }, { correlationId }: JobOwner) => {
    const isPrefix = place.fileName === '' || place.fileName.endsWith('/') || place.fileName === 'c/c';
    const prefix = place.fileName === '' ? 'the whole collection' : 'everything under this prefix';
    const what = isPrefix ? prefix : 'the file';
    return { ...place, message: `${what} is locked by job ${correlationId}` };
  };

  const read = (target: LockTarget) => test.storage.locks.read(target);

  describe('lockPrefixes takes', () => {
    it('a lock on every prefix, in their order', async () => {
      const locks = await locked(owner, ['b/', 'a/']);
      const held = await Promise.all([read(writes('b/')), read(writes('a/'))]);
      assert.deepEqual(
        locks.map((each) => ({ ...each, owner, attemptAt: 1 })),
        held,
      );
    });

    it('the same locks again where it is repeated, or where an answer was lost', async () => {
      const name = lockName(writes('b/'));
      test.proxy.inject({ operation: 'upload', name }, resetAfter(), { times: 1 });
      await failsWith(lock(owner, ['a/', 'b/']), 'STORAGE_UNAVAILABLE', { retryable: true });
      const since = (locks: HeldPrefixLock[]) => locks.map(({ prefix, createdAt }) => ({ prefix, createdAt }));
      const first = await locked(owner, ['a/', 'b/']);
      assert.deepEqual(since(await locked(owner, ['a/', 'b/'])), since(first));
    });

    it('prefixes of its own that contain each other, with files of its own under them', async () => {
      await place.hold(place.destination('a/b/c'), owner);
      assert.equal((await locked(owner, ['a/', 'a/b/'], [writes('a/'), place.destination('a/b/c')])).length, 2);
    });

    it('a prefix beside one that another job has, and reads what others read', async () => {
      await locked(other, ['a/'], [reads('')]);
      await locked(owner, ['b/'], [reads(''), place.source('x')]);
    });
  });

  describe('lockPrefixes takes nothing', () => {
    afterEach(async () => {
      const { locks } = test.storage;
      const left = await locks.findOverlapping([writes(''), reads('')]);
      assert.deepEqual(
        left.filter((each) => each.owner.kind === 'job' && each.owner.correlationId === owner.correlationId),
        [],
      );
    });

    it('where another job has a file under one of them', async () => {
      await place.hold(place.destination('b/1'), other);
      await place.hold(place.destination('b/2'), other);
      assert.deepEqual(
        await lock(owner, ['a/', 'b/']),
        refused([held(to('b/1'), other), held(to('b/2'), other)], other),
      );
    });

    it('where another job has the same, a longer or a shorter prefix: the narrower one is told', async () => {
      await locked(other, ['a/', 'b/b/', 'c']);
      const result = await lock(owner, ['a/', 'b/', 'c/c']);
      assert.deepEqual(
        result,
        refused(
          ['a/', 'b/b/', 'c/c'].map((prefix) => held(to(prefix), other)),
          other,
        ),
      );
    });

    it('where another job has the whole bucket', async () => {
      const whole = { bucket: `bucket-${randomUUID()}`, prefix: '' };
      const attempt = await test.storage.locks.acquire(whole, other);
      const collections = [{ collectionId: 'all', ...whole, generation: '1' }];
      const task = { owner, prefixes: [whole], sources: [], collections };
      assert.deepEqual(
        await test.run('lockPrefixes', task),
        refused([held({ collectionId: 'all', fileName: '' }, other)], other),
      );
      assert.ok(attempt.taken);
      assert.deepEqual(await read(whole), attempt.lock);
    });

    it('where another job is writing a source, or under it, or all around it', async () => {
      await place.hold(place.source('a/1'), other);
      await place.hold(place.source('b'), other);
      const third = newOwner({ correlationId: `1${randomUUID().slice(1)}` });
      const attempt = await test.storage.locks.acquire(reads('c/'), third);
      assert.ok(attempt.taken);
      const sources = [reads('a/'), place.source('b'), reads('c/c/'), place.source('c/d')];
      const expected = [
        held(from('a/1'), other),
        held(from('b'), other),
        held(from('c/c/'), third),
        held(from('c/d'), third),
      ];
      const result = await lock(owner, ['a/'], sources);
      assert.ok(!result.locked);
      assert.deepEqual(result.files.toSorted(byName), expected);
      assert.deepEqual(result.holders.toSorted(), refused([], other, third).holders);
    });

    it('and names the innermost collection', async () => {
      await place.hold(place.destination('inner/1'), other);
      const inner = { ...place.collections[1]!, collectionId: 'inner' };
      inner.prefix += 'inner/';
      const collections = [...place.collections, inner];
      const task = { owner, prefixes: [writes('')], sources: [], collections };
      assert.deepEqual(
        await test.run('lockPrefixes', task),
        refused([held({ collectionId: 'inner', fileName: '1' }, other)], other),
      );
    });

    it('where a person has locked a file under it; nobody is asked about that', async () => {
      await place.hold(place.destination('a/1'), MANUAL);
      assert.deepEqual(await lock(owner, ['a/']), {
        locked: false,
        files: [{ ...to('a/1'), message: 'the file is locked by zoë (audit)' }],
        holders: ['zoë (audit)'],
      });
      assert.deepEqual(test.jobs.asked, []);
    });
  });

  describe('lockPrefixes with skipLocked', () => {
    /** The locks that were taken, by prefix, and the places that others hold; these as they were written or read here. */
    async function lockTheRest(prefixes: string[], sources: LockTarget[] = []) {
      const task = { owner, prefixes: prefixes.map(writes), sources, collections: place.collections };
      const result = await test.run('lockPrefixes', { ...task, skipLocked: true });
      assert.ok(result.locked);
      for (const { bucket, prefix, generation } of result.locks) {
        assert.equal((await read({ bucket, prefix }))?.generation, generation);
      }
      const left = await test.storage.locks.findOverlapping([writes(''), reads('')]);
      const own = left.filter((each) => each.owner.kind === 'job' && each.owner.correlationId === owner.correlationId);
      assert.equal(own.length, result.locks.length, 'nothing else is left behind');
      const taken = result.locks.map(({ bucket, prefix }) => ({ bucket, prefix }));
      return { taken, others: result.others };
    }

    const sorted = (...targets: LockTarget[]) =>
      targets.toSorted((one, other) => (targetKey(one) < targetKey(other) ? -1 : 1));

    it('takes every prefix where nobody is in its way, and tells of no others', async () => {
      assert.deepEqual(await lockTheRest(['b/', 'a/'], [reads('')]), {
        taken: [writes('b/'), writes('a/')],
        others: undefined,
      });
    });

    it('takes a prefix under which others have files and prefixes, by hand too, and tells of them', async () => {
      await place.hold(place.destination('a/1'), other);
      await place.hold(place.destination('a/2'), MANUAL);
      await place.hold(place.destination('elsewhere'), other);
      await locked(other, ['a/b/']);
      assert.deepEqual(await lockTheRest(['a/']), {
        taken: [writes('a/')],
        others: sorted(place.destination('a/1'), place.destination('a/2'), writes('a/b/')),
      });
    });

    it('does not take a prefix that others have, or one around it, and gives back what it had made', async () => {
      await locked(other, ['a/', 'b/']);
      assert.deepEqual(await lockTheRest(['a/', 'b/b/', 'c/']), {
        taken: [writes('c/')],
        others: sorted(writes('a/'), writes('b/')),
      });
    });

    it('tells of what others write among its sources, and takes nothing where that is all of them', async () => {
      await place.hold(place.source('a/1'), other);
      assert.deepEqual(await lockTheRest(['a/'], [reads('a/')]), {
        taken: [writes('a/')],
        others: [place.source('a/1')],
      });
      await test.run('releasePrefixLocks', { owner, locks: await locked(owner, ['a/']) });
      assert.ok((await test.storage.locks.acquire(reads('a'), other)).taken);
      assert.deepEqual(await lockTheRest(['a/'], [reads('a/')]), {
        taken: [],
        others: sorted(reads('a'), place.source('a/1')),
      });
    });

    it('takes over and removes locks whose job has ended, and does not do without what they were on', async () => {
      await locked(other, ['a/', 'b/b/']);
      await place.hold(place.destination('b/1'), other);
      test.jobs.say(other, 'ended');
      assert.deepEqual(await lockTheRest(['a/', 'b/']), { taken: [writes('a/'), writes('b/')], others: undefined });
      assert.deepEqual((await read(writes('a/')))?.owner, owner);
      assert.deepEqual([await read(writes('b/b/')), await read(place.destination('b/1'))], [undefined, undefined]);
    });

    it('finds its own locks where it is repeated, and others as they are by then', async () => {
      const held = await place.hold(place.destination('a/1'), other);
      assert.deepEqual(await lockTheRest(['a/']), { taken: [writes('a/')], others: [place.destination('a/1')] });
      await test.storage.locks.release(held, held.generation);
      assert.deepEqual(await lockTheRest(['a/']), { taken: [writes('a/')], others: undefined });
    });

    it('keeps whoever comes later from all that is under its prefix', async () => {
      await place.hold(place.destination('a/1'), other);
      await lockTheRest(['a/']);
      const late = newOwner({ correlationId: LARGE });
      assert.deepEqual(await place.take(late, ['a/2']), refused([held(to('a/2'), owner)], owner));
    });
  });

  it('lockPrefixes is tried again where storage fails', async () => {
    test.proxy.inject({ bucket: test.controlBucket, operation: 'list' }, answerError(503));
    await failsWith(lock(owner, ['a/']), 'STORAGE_UNAVAILABLE', { retryable: true });
  });

  describe('takeLocks', () => {
    it('is refused files under a prefix that another job has', async () => {
      await locked(other, ['a/']);
      assert.deepEqual(
        await place.take(owner, ['a/1', 'b/1', 'a/2']),
        refused([held(to('a/1'), other), held(to('a/2'), other)], other),
      );
      assert.deepEqual(await place.locksOn('a/1', 'b/1', 'a/2'), []);
    });

    it('is refused sources under a prefix that another job is writing', async () => {
      const attempt = await test.storage.locks.acquire(reads('a/'), other);
      assert.ok(attempt.taken);
      assert.deepEqual(await place.take(owner, ['a/1', 'b/1']), refused([held(from('a/1'), other)], other));
      assert.deepEqual(await place.locksOn('a/1', 'b/1'), []);
    });

    it('copies what others only read under a prefix', async () => {
      await locked(other, ['a/'], [writes('b/')]);
      assert.ok((await place.take(owner, ['b/1'])).locked);
    });

    it('with skipLocked leaves out files under such prefixes, and gives their locks back', async () => {
      await locked(other, ['a/']);
      const taken = await place.take(owner, ['a/1', 'b/1'], { skipLocked: true });
      const [held] = await place.locksOn('b/1');
      assert.ok(taken.locked && held !== undefined);
      assert.deepEqual(taken.locks, [null, { generation: held.generation, createdAt: held.createdAt }]);
      assert.deepEqual(await place.locksOn('a/1'), []);
    });

    it('asks no more than one listing a bucket for it, at once with the look at the sources', async () => {
      // Buckets that have had prefix locks.
      for (const prefix of [writes('x/'), reads('x/')]) await test.storage.locks.acquire(prefix, owner);
      const requests = test.proxy.requestsFromNow({ bucket: test.controlBucket });
      // None is answered before all have come.
      const looks = holdBefore();
      test.proxy.inject({ bucket: test.controlBucket, operation: ['list', 'stat'] }, looks);
      const taking = place.take(owner, ['1', '2']);
      await looks.reachedBy(4);
      looks.release();
      assert.ok((await taking).locked);
      const names = requests().map(({ operation, query }) => `${operation} ${query['prefix'] ?? ''}`.trim());
      assert.deepEqual(names.slice(0, 2), ['upload', 'upload']);
      assert.deepEqual(names.slice(2).toSorted(), [
        `list locks/${test.destinationBucket}/p/`,
        `list locks/${test.sourceBucket}/p/`,
        'stat',
        'stat',
      ]);
    });
  });

  describe('a lock whose job has ended', () => {
    it('is taken over where it is on the same prefix', async () => {
      const [held] = await locked(other, ['a/']);
      test.jobs.say(other, 'ended');
      const [taken] = await locked(owner, ['a/']);
      assert.notEqual(taken?.generation, held?.generation);
      assert.deepEqual((await read(writes('a/')))?.owner, owner);
    });

    it('is removed where it overlaps, so that its job, should it still write, sees that it is lost', async () => {
      await locked(other, ['a/', 'b/b/']);
      const file = await place.hold(place.destination('b/1'), other);
      test.jobs.say(other, 'ended');
      assert.ok((await place.take(owner, ['a/1'])).locked);
      assert.equal(await read(writes('a/')), undefined);
      await locked(owner, ['b/']);
      assert.equal(await read(writes('b/b/')), undefined);
      assert.equal(await test.storage.locks.isHeld(place.destination('b/1'), file.generation), false);
      assert.deepEqual(new Set(test.jobs.asked), new Set([other.correlationId]));
    });

    it('does not keep a source back, and is left there', async () => {
      const attempt = await test.storage.locks.acquire(reads('a/'), other);
      test.jobs.say(other, 'ended');
      assert.ok((await place.take(owner, ['a/1'])).locked);
      await locked(owner, ['x/'], [reads('a/')]);
      assert.ok(attempt.taken);
      assert.deepEqual(await read(reads('a/')), attempt.lock);
    });
  });

  describe('of two jobs that see each other', () => {
    const small = newOwner({ correlationId: SMALL });
    const large = newOwner({ correlationId: LARGE });

    it('the larger one gives way at once, whether it wants files or a prefix', async () => {
      const clock = stopClock();
      const [first] = await locked(small, ['a/']);
      assert.deepEqual(await place.take(large, ['a/1']), refused([held(to('a/1'), small)], small));
      await test.run('releasePrefixLocks', { owner: small, locks: [first!] });
      await place.hold(place.destination('a/1'), small);
      assert.deepEqual(await lock(large, ['a/']), refused([held(to('a/1'), small)], small));
      assert.equal(clock.pauses, 0);
    });

    it('the smaller one, wanting a prefix, waits for the files', async () => {
      const clock = stopClock();
      const file = await place.hold(place.destination('a/1'), large);
      const taking = lock(small, ['a/']);
      await clock.pausedTimes(2);
      await test.storage.locks.release(place.destination('a/1'), file.generation);
      assert.ok((await taking).locked);
    });

    it('the smaller one waits no longer where its job is cancelled', async () => {
      const clock = stopClock();
      await place.hold(place.destination('a/1'), large);
      const task = { owner: small, prefixes: [writes('a/')], sources: [], collections: place.collections };
      const { environment, result } = test.start('lockPrefixes', task);
      await clock.pausedTimes(2);
      environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
      await assert.rejects(result, CancelledFailure);
    });

    it('the smaller one, wanting files, waits for the prefix', async () => {
      const clock = stopClock();
      const [held] = await locked(large, ['a/']);
      const taking = place.take(small, ['a/1']);
      await clock.pausedTimes(2);
      await test.run('releasePrefixLocks', { owner: large, locks: [held!] });
      assert.ok((await taking).locked);
    });
  });

  it('of ten contenders for overlapping files and prefixes never two get the same, and somebody gets through', async () => {
    const wanted = [['a/1'], ['a/'], ['a/1', 'b/1'], [''], ['a/2', 'a/1']];
    const contenders = Array.from({ length: 10 }, (_, index) => ({ owner: newOwner(), names: wanted[index % 5]! }));
    const clock = stopClock();
    const tries = contenders.map(({ owner: by, names }) =>
      names.every((name) => name === '' || name.endsWith('/')) ? lock(by, names) : place.take(by, names),
    );
    await oneGetsThrough(tries);
    clock.pass();
    const results = await Promise.all(tries);
    const winners = contenders.filter((_, index) => results[index]?.locked);
    // All of them overlap.
    assert.equal(winners.length, 1);
    const left = await test.storage.locks.findOverlapping([writes('')]);
    assert.equal(left.length, winners[0]!.names.length);
  });

  describe('releasePrefixLocks', () => {
    it('gives all locks back, and may be repeated', async () => {
      const locks = await locked(owner, ['a/', 'b/']);
      await test.run('releasePrefixLocks', { owner, locks });
      await test.run('releasePrefixLocks', { owner, locks });
      assert.deepEqual([await read(writes('a/')), await read(writes('b/'))], [undefined, undefined]);
      assert.deepEqual(test.logged, []);
    });

    it('leaves a lock that was taken over, and says so in the log', async () => {
      const locks = await locked(owner, ['a/']);
      const held = await test.storage.locks.takeOver({ ...locks[0]!, owner }, other);
      await test.run('releasePrefixLocks', { owner, locks });
      assert.deepEqual((await read(writes('a/')))?.generation, held?.generation);
      const [line] = test.logged;
      assert.deepEqual([line?.['msg'], line?.['holder']], ['a lock was lost before its release', other]);
    });

    it('is tried again where storage fails', async () => {
      const locks = await locked(owner, ['a/']);
      test.proxy.inject({ operation: 'delete', bucket: test.controlBucket }, answerError(503), { times: 1 });
      await failsWith(test.run('releasePrefixLocks', { owner, locks }), 'STORAGE_UNAVAILABLE', { retryable: true });
    });
  });
});

function byName(one: { fileName: string }, other: { fileName: string }): number {
  return one.fileName < other.fileName ? -1 : 1;
}
