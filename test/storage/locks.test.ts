import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobOwner } from '../../contract/messages.ts';
import { lockName } from '../../storage/lock-names.ts';
import { placeOf } from '../../storage/lock-targets.ts';
import { isSameOwner, type Lock, type LockOwner, type LockStore } from '../../storage/locks.ts';
import type { ObjectRef } from '../../storage/objects.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, meanwhile, resetAfter } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';
import { AWKWARD_NAMES } from './object-names.ts';
import { newOwner } from './owners.ts';

describe('lock store', () => {
  let storage: TestStorage;
  let locks: LockStore;
  let target: ObjectRef;
  let owner: JobOwner;

  before(async () => {
    storage = await makeTestStorage();
    ({ locks } = storage.connect());
  });

  beforeEach(() => {
    target = { bucket: 'any-bucket', name: randomUUID() };
    owner = newOwner();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const writes = () => storage.proxy.writes(storage.controlBucket, lockName(target));

  async function take(of: ObjectRef = target, by: LockOwner = owner): Promise<Lock> {
    const attempt = await locks.acquire(of, by);
    assert.ok(attempt.taken);
    return attempt.lock;
  }

  describe('findOverlapping', () => {
    it('of objects is a single read for a bucket that never had a prefix lock, and lists once it has had one', async () => {
      const bucket = randomUUID();
      const file = { bucket, name: 'a/b' };
      const listings = storage.proxy.requestsFromNow({ operation: 'list', bucket: storage.controlBucket });
      assert.deepEqual(await locks.findOverlapping([file]), []);
      assert.equal(listings().length, 0);
      const prefix = { bucket, prefix: 'a/' };
      const attempt = await storage.connect().locks.acquire(prefix, owner);
      assert.deepEqual(await locks.findOverlapping([file]), [attempt.taken && attempt.lock]);
      assert.equal(listings().length, 1);
    });
  });

  describe('acquire', () => {
    it('takes a free lock, naming its owner', async () => {
      const startedAt = Date.now();
      const lock = await take();
      assert.deepEqual(await locks.read(target), lock);
      const { createdAt, generation, ...rest } = lock;
      assert.deepEqual(rest, { ...target, owner });
      assert.ok(await locks.isHeld(target, generation));
      assert.ok(createdAt >= startedAt - 1 && createdAt <= Date.now() + 1);
    });

    it('says who holds a lock that is taken, and leaves it', async () => {
      const lock = await take();
      assert.deepEqual(await locks.acquire(target, newOwner()), { taken: false, holder: lock });
      assert.deepEqual(await locks.read(target), lock);
      assert.equal(writes(), 1);
    });

    it('counts a lock of its own as taken: an earlier answer was lost', async () => {
      const lock = await take();
      assert.deepEqual(await locks.acquire(target, { ...owner }), { taken: true, lock, isNew: false });
      assert.equal(writes(), 1);
    });

    it('finds the lock it made where the answer was lost', async () => {
      storage.proxy.inject({ operation: 'upload', name: lockName(target) }, resetAfter(), { times: 1 });
      await failsAs(locks.acquire(target, owner), 'unavailable');
      assert.deepEqual((await take()).owner, owner);
      assert.equal(writes(), 1);
    });

    it('does so by itself where the client repeats', async () => {
      storage.proxy.inject({ operation: 'upload', name: lockName(target) }, resetAfter(), { times: 1 });
      const attempt = await storage.connect({ autoRetry: true }).locks.acquire(target, owner);
      assert.ok(attempt.taken);
      assert.equal(writes(), 1);
    });

    it('tries again where the lock was released before it could see who held it', async () => {
      const { generation } = await take();
      const release = meanwhile(() => locks.release(target, generation));
      storage.proxy.inject({ operation: 'stat', name: lockName(target) }, release, { times: 1 });
      const other = newOwner();
      assert.deepEqual((await take(target, other)).owner, other);
    });

    it('lets exactly one of ten contenders have it', async () => {
      const contenders = Array.from({ length: 10 }, () => newOwner());
      const attempts = await Promise.all(contenders.map((contender) => locks.acquire(target, contender)));
      const [winner, ...others] = attempts.filter(({ taken }) => taken);
      assert.deepEqual(others, []);
      const held = await locks.read(target);
      for (const attempt of attempts) assert.deepEqual(attempt.taken ? attempt.lock : attempt.holder, held);
      assert.ok(winner !== undefined);
      assert.equal(writes(), 1);
    });

    it('fails where storage does', async () => {
      storage.proxy.inject({ name: lockName(target) }, answerError(503));
      await failsAs(locks.acquire(target, owner), 'unavailable');
    });
  });

  describe('an owner', () => {
    it('is the same job in every run of its chain, and no other', () => {
      assert.ok(isSameOwner(owner, { ...owner }));
      assert.ok(!isSameOwner(owner, { ...owner, correlationId: randomUUID() }));
      assert.ok(!isSameOwner(owner, { ...owner, firstRunId: randomUUID() }));
      assert.ok(!isSameOwner(owner, { ...owner, namespace: 'elsewhere' }));
    });

    it('by hand is never taken for another one by hand', () => {
      const person: LockOwner = { kind: 'manual', who: 'ann', why: 'audit' };
      assert.ok(!isSameOwner(person, { ...person }));
      assert.ok(!isSameOwner(person, owner));
    });

    it('by hand keeps who and why, in any letters', async () => {
      const person: LockOwner = { kind: 'manual', who: 'Zoë <zoë@example.org>', why: 'Prüfung\tNº 7 – ✋' };
      await take(target, person);
      assert.deepEqual((await locks.read(target))?.owner, person);
    });

    it('that cannot be read counts as one by hand', async () => {
      const { objects } = storage.connect();
      const ref = { bucket: storage.controlBucket, name: lockName(target) };
      const unreadable: Record<string, string>[] = [
        {},
        { kind: 'job', correlationId: owner.correlationId },
        { kind: 'job', correlationId: '', firstRunId: 'a', namespace: 'b' },
        { kind: 'robot', correlationId: 'a', firstRunId: 'b', namespace: 'c' },
      ];
      for (const metadata of unreadable) {
        await objects.write(ref, 'anything', { metadata });
        assert.deepEqual((await locks.read(target))?.owner, { kind: 'manual', who: 'unknown', why: 'unknown' });
        assert.equal((await locks.acquire(target, owner)).taken, false);
      }
    });
  });

  describe('list', () => {
    it('gives the locks of one bucket, or of all, in the order of their names', async () => {
      const bucket = randomUUID();
      const held = [await take({ bucket, name: 'b' }), await take({ bucket, name: 'a' })];
      const prefix = await locks.acquire({ bucket, prefix: 'a' }, owner);
      const other = await take({ bucket: `${bucket}-2`, name: 'c' });
      const inBucket = await Array.fromAsync(locks.list({ bucket }), ({ lock }) => lock);
      assert.deepEqual(inBucket, [...held.toReversed(), prefix.taken && prefix.lock]);
      const all = await Array.fromAsync(locks.list(), ({ lock }) => lock);
      assert.deepEqual(
        all.filter((lock) => lock.bucket.startsWith(bucket)),
        // A hyphen sorts before a slash.
        [other, ...inBucket],
      );
    });

    it('goes on behind any of them', async () => {
      const bucket = randomUUID();
      for (const name of ['a', 'a ', 'a/b', 'x'.repeat(1_000)]) await take({ bucket, name });
      const all = await Array.fromAsync(locks.list({ bucket }));
      assert.equal(all.length, 4);
      for (const [index, { place }] of all.entries()) {
        assert.deepEqual(await Array.fromAsync(locks.list({ bucket, from: place })), all.slice(index + 1));
      }
    });

    it('tells by the name what one is on whose metadata do not say', async () => {
      const bucket = randomUUID();
      const { objects } = storage.connect();
      const { correlationId, firstRunId, namespace } = owner;
      for (const of of [
        { bucket, name: 'a/ü' },
        { bucket, prefix: '' },
      ]) {
        const ref = { bucket: storage.controlBucket, name: lockName(of) };
        await objects.write(ref, '', { metadata: { kind: 'job', correlationId, firstRunId, namespace } });
      }
      const listed = await Array.fromAsync(locks.list({ bucket }), ({ lock }) => lock);
      assert.deepEqual(listed.map(placeOf), [
        { bucket, name: 'a/ü' },
        { bucket, prefix: '' },
      ]);
      for (const lock of listed) assert.deepEqual(lock.owner, owner);
    });
  });

  describe('takeOver', () => {
    it('puts another owner in the place of the one seen', async () => {
      const held = await take();
      const other = newOwner();
      const lock = await locks.takeOver(held, other);
      assert.deepEqual(lock?.owner, other);
      assert.deepEqual(await locks.read(target), lock);
      assert.equal(await locks.isHeld(target, held.generation), false);
    });

    it('by exactly one of ten contenders', async () => {
      const held = await take();
      const contenders = Array.from({ length: 10 }, () => newOwner());
      const taken = await Promise.all(contenders.map((contender) => locks.takeOver(held, contender)));
      const [winner, ...others] = taken.filter((lock) => lock !== undefined);
      assert.deepEqual(others, []);
      assert.deepEqual(await locks.read(target), winner);
      assert.equal(writes(), 2);
    });

    it('does not happen where the lock is gone, or back in other hands', async () => {
      const held = await take();
      await locks.release(target, held.generation);
      assert.equal(await locks.takeOver(held, newOwner()), undefined);
      assert.equal(await locks.read(target), undefined);
      const next = await take(target, newOwner());
      assert.equal(await locks.takeOver(held, newOwner()), undefined);
      assert.deepEqual(await locks.read(target), next);
    });
  });

  describe('release', () => {
    it('gives a lock back', async () => {
      const { generation } = await take();
      assert.equal(await locks.release(target, generation), true);
      assert.equal(await locks.read(target), undefined);
    });

    it('leaves a lock that has changed hands', async () => {
      const held = await take();
      const lock = await locks.takeOver(held, newOwner());
      assert.equal(await locks.release(target, held.generation), false);
      assert.deepEqual(await locks.read(target), lock);
    });

    it('of a lock that is gone is fine', async () => {
      const { generation } = await take();
      await locks.release(target, generation);
      assert.equal(await locks.release(target, generation), false);
    });
  });

  describe('findAmong', () => {
    for (const [title, count] of [
      ['a few, read one by one', 3],
      ['many, listed', 40],
    ] as const) {
      it(`finds the locks on ${title}`, async () => {
        const prefix = randomUUID();
        const targets = Array.from({ length: count }, (_, index) => ({ bucket: 'one', name: `${prefix}/${index}` }));
        const locked = targets.filter((_, index) => index % 2 === 0);
        const held = await Promise.all(locked.map((ref) => take(ref)));
        // Between the others by name, and the same name elsewhere: not asked for.
        await take({ bucket: 'one', name: `${prefix}/1/more` });
        await take({ bucket: 'two', name: `${prefix}/1` });

        const requests = storage.proxy.requestsFromNow({ bucket: storage.controlBucket });
        const found = await locks.findAmong(targets);
        assert.deepEqual(byName(found), byName(held));
        assert.deepEqual(new Set(requests().map(({ operation }) => operation)), new Set([count > 3 ? 'list' : 'stat']));
      });
    }

    it('asks each bucket in its own way', async () => {
      const prefix = randomUUID();
      const few = [{ bucket: 'few', name: `${prefix}/a` }];
      const many = Array.from({ length: 10 }, (_, index) => ({ bucket: 'many', name: `${prefix}/${index}` }));
      const held = await Promise.all([...few, ...many].map((ref) => take(ref)));
      assert.deepEqual(byName(await locks.findAmong([...many, ...few])), byName(held));
    });

    it('finds long and awkward names in a listing', async () => {
      const targets = AWKWARD_NAMES.map(([, name]) => ({ bucket: 'awkward', name }));
      const held = await Promise.all(targets.map((ref) => take(ref)));
      assert.deepEqual(byName(await locks.findAmong(targets)), byName(held));
    });

    it('finds nothing where nothing is locked or asked for', async () => {
      assert.deepEqual(await locks.findAmong([]), []);
      assert.deepEqual(await locks.findAmong([target]), []);
      const targets = Array.from({ length: 10 }, () => ({ bucket: 'any-bucket', name: randomUUID() }));
      assert.deepEqual(await locks.findAmong(targets), []);
    });
  });
});

function byName(locks: readonly Lock[]): Lock[] {
  return locks.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
