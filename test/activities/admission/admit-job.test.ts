import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CopyFilesInput, CopyOptions, JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdBefore, resetAfter } from '../../support/storage-proxy/index.ts';
import { newPlace, type Place } from '../locks/locking.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

describe('admitJob', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let ids: { from: string; to: string };

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(async () => {
    place = newPlace(test);
    owner = newOwner();
    ids = { from: randomUUID(), to: randomUUID() };
    const acl = { owner: [], admin: [], readwrite: ['ann'], readonly: [] };
    for (const { collectionId, bucket, prefix } of place.collections) {
      const document = { collectionId: ids[collectionId as 'from' | 'to'], collectionName: collectionId };
      await test.emulator.putCollection({ ...document, bucket, prefix, acl });
    }
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  function input(names: string[], { caller = 'ann', ...options }: Partial<CopyOptions> & { caller?: string } = {}) {
    return {
      ...{ requestor: { caller, principals: [caller] }, digest: 'd1', receivedAt: 1 },
      request: {
        entries: place.entries(...names).map((entry) => ({
          ...entry,
          ...{ sourceCollectionId: ids.from, destinationCollectionId: ids.to },
        })),
        options: { overwrite: 'always', ...options },
      },
    } satisfies CopyFilesInput;
  }

  const admit = (request: CopyFilesInput, by = owner) =>
    test.run('admitJob', { owner: by, taskQueue: 'queue', input: request });
  const stored = async () => (await test.storage.records.read(owner.correlationId))?.record;

  it('claims the id, keeps what is to be copied and where, and locks every destination', async () => {
    const request = input(['a', 'b']);
    const decided = await admit(request);
    assert.ok(decided.verdict === 'accepted');
    const locks = await place.locksOn('a', 'b');
    assert.deepEqual(
      decided.locks,
      locks.map(({ generation, createdAt }) => ({ generation, createdAt })),
    );
    assert.deepEqual(
      decided.collections.map(({ collectionId }) => collectionId),
      [ids.from, ids.to],
    );
    const record = await stored();
    assert.deepEqual(record?.entries, request.request.entries);
    assert.deepEqual(record.collections, decided.collections);
  });

  it('takes over the lock of an earlier job of the id that did not live to claim it, though its own claim is renewed', async () => {
    const earlier = newOwner({ correlationId: owner.correlationId });
    assert.ok((await test.storage.locks.acquire(place.destination('a'), earlier)).taken);
    const request = input(['a']);
    // By an attempt that found its collections elsewhere: what it has left is cleared up once the locks are taken.
    await test.run('claimJob', { owner, taskQueue: 'queue', input: request, collections: [], isPlanned: false });
    test.jobs.say(owner, 'ended');
    assert.equal((await admit(request)).verdict, 'accepted');
    const [lock] = await place.locksOn('a');
    assert.deepEqual(lock?.owner, owner);
  });

  it('claims the id of a request without access, keeps nothing of its files and locks nothing', async () => {
    const decided = await admit(input(['a'], { caller: 'eve' }));
    assert.ok(decided.verdict === 'refused');
    assert.equal(decided.admission.decision, 'forbidden');
    const record = await stored();
    assert.deepEqual([record?.entries, record?.collections], [null, []]);
    assert.deepEqual(await place.locksOn('a'), []);
  });

  it('locks nothing where one file is held, and says who holds it', async () => {
    const holder = newOwner();
    await place.hold(place.destination('b'), holder);
    const decided = await admit(input(['a', 'b']));
    assert.ok(decided.verdict === 'locked');
    const message = `the file is locked by job ${holder.correlationId}`;
    assert.deepEqual(decided.files, [{ collectionId: ids.to, fileName: 'b', message }]);
    assert.deepEqual(decided.holders, [`job ${holder.correlationId}`]);
    assert.deepEqual(
      (await place.locksOn('a', 'b')).map(({ owner }) => owner),
      [holder],
    );
  });

  it('does without what others hold where the request says so', async () => {
    await place.hold(place.destination('b'), newOwner());
    const decided = await admit(input(['a', 'b'], { onLocked: 'skip' }));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual(
      decided.locks.map((lock) => lock !== null),
      [true, false],
    );
  });

  it('of a dry run locks nothing', async () => {
    const decided = await admit(input(['a'], { dryRun: true }));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.locks, await place.locksOn('a')], [[], []]);
  });

  it('tells the outcome of the job that has the id, and holds no lock for this one', async () => {
    await admit(input(['a']));
    const later = newOwner({ correlationId: owner.correlationId });
    const decided = await admit(input(['b', 'c']), later);
    assert.ok(decided.verdict === 'taken');
    assert.deepEqual([decided.outcome.caller, decided.outcome.requested], ['ann', 1]);
    assert.deepEqual(await place.locksOn('b', 'c'), []);
    assert.equal((await place.locksOn('a')).length, 1);
  });

  it('comes to the same verdict where the answers to its first attempt were lost', async () => {
    const request = input(['a', 'b']);
    test.proxy.inject({ operation: 'upload', bucket: test.controlBucket }, resetAfter(), { times: 2 });
    await failsWith(admit(request), 'STORAGE_UNAVAILABLE', { retryable: true });
    const decided = await admit(request);
    assert.ok(decided.verdict === 'accepted');
    assert.equal((await place.locksOn('a', 'b')).length, 2);
    assert.deepEqual((await stored())?.entries, request.request.entries);
  });

  for (const [what, name] of [
    ['the claim', () => `jobs/${owner.correlationId}/job.json`],
    ['a collection', () => `collections/${ids.to}.json`],
  ] as const) {
    it(`is tried again where storage fails at ${what}, and the next attempt finds everything in order`, async () => {
      test.proxy.inject({ bucket: test.controlBucket, name: name() }, answerError(503), { times: 3 });
      await failsWith(admit(input(['a'])), 'STORAGE_UNAVAILABLE', { retryable: true });
      test.proxy.removeFaults();
      assert.equal((await admit(input(['a']))).verdict, 'accepted');
    });
  }

  describe('with collections that were read a moment ago', () => {
    beforeEach(async () => {
      assert.equal((await admit(input(['before']), newOwner())).verdict, 'accepted');
    });

    /** Lets the collections be read only once the locks are asked for. */
    function readLate(): void {
      const hold = holdBefore();
      test.proxy.inject({ operation: 'read', bucket: test.controlBucket, name: `collections/${ids.to}.json` }, hold);
      test.proxy
        .nextRequest({ operation: 'upload', bucket: test.controlBucket, name: lockName(place.destination('a')) })
        .then(() => {
          hold.release();
        }, assert.fail);
    }

    const change = (acl: object, prefix = place.collections[1]?.prefix ?? '') =>
      test.emulator.putCollection({
        ...{ collectionId: ids.to, collectionName: 'to', bucket: test.destinationBucket, prefix },
        acl: { owner: [], admin: [], readwrite: [], readonly: [], ...acl },
      });

    it('locks and claims while they are read again', async () => {
      readLate();
      const decided = await admit(input(['a']));
      assert.ok(decided.verdict === 'accepted');
      const [lock] = await place.locksOn('a');
      assert.equal(decided.locks[0]?.generation, lock?.generation);
    });

    it('refuses a caller from whom access was taken away meanwhile, keeps nothing of the files and no lock', async () => {
      await change({ readwrite: ['bob'] });
      readLate();
      const decided = await admit(input(['a']));
      assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
      assert.deepEqual(await place.locksOn('a'), []);
      const record = await stored();
      assert.deepEqual([record?.entries, record?.collections], [null, []]);
    });

    for (const [what, acl, verdict] of [
      ['refuses a caller from whom access was taken away', { readwrite: ['bob'] }, 'refused'],
      ['locks where a collection is by now', { readwrite: ['ann'] }, 'accepted'],
    ] as const) {
      it(`${what}, and leaves no lock where an attempt before could not take back its own`, async () => {
        await change(acl, `${place.collections[1]?.prefix}moved/`);
        readLate();
        const removal = { operation: 'delete', name: lockName(place.destination('a')) } as const;
        test.proxy.inject(removal, answerError(503));
        await failsWith(admit(input(['a'])), 'STORAGE_UNAVAILABLE', { retryable: true });
        // The next attempt cannot either, at first.
        await failsWith(admit(input(['a'])), 'STORAGE_UNAVAILABLE', { retryable: true });
        test.proxy.removeFaults();
        assert.equal((await place.locksOn('a')).length, 1);
        const decided = await admit(input(['a']));
        assert.equal(decided.verdict, verdict);
        assert.deepEqual(await place.locksOn('a'), []);
        assert.equal((await place.locksOn('moved/a')).length, verdict === 'accepted' ? 1 : 0);
      });
    }

    it('locks where a collection is by now, and nothing where it was', async () => {
      const moved = `${place.collections[1]?.prefix}moved/`;
      await change({ readwrite: ['ann'] }, moved);
      readLate();
      const decided = await admit(input(['a']));
      assert.ok(decided.verdict === 'accepted');
      assert.equal(decided.collections[1]?.prefix, moved);
      assert.deepEqual(await place.locksOn('a'), []);
      const [lock] = await place.locksOn('moved/a');
      assert.equal(decided.locks[0]?.generation, lock?.generation);
      assert.deepEqual((await stored())?.collections, decided.collections);
    });

    it('grants access that was given since', async () => {
      const bob = input(['a'], { caller: 'bob' });
      assert.equal((await admit(bob, newOwner())).verdict, 'refused');
      await change({ readwrite: ['bob'] });
      const [from] = place.collections;
      const acl = { owner: [], admin: [], readwrite: [], readonly: ['bob'] };
      const { bucket, prefix } = from ?? assert.fail();
      await test.emulator.putCollection({ collectionId: ids.from, collectionName: 'from', bucket, prefix, acl });
      assert.equal((await admit(bob)).verdict, 'accepted');
    });

    it('is tried again where they cannot be read, and the next attempt finds everything in order', async () => {
      const name = `collections/${ids.to}.json`;
      test.proxy.inject({ bucket: test.controlBucket, name }, answerError(503), { times: 3 });
      await failsWith(admit(input(['a'])), 'STORAGE_UNAVAILABLE', { retryable: true });
      test.proxy.removeFaults();
      assert.equal((await admit(input(['a']))).verdict, 'accepted');
    });

    it('tells the outcome of the job that has the id', async () => {
      await admit(input(['a']));
      const decided = await admit(input(['b']), newOwner({ correlationId: owner.correlationId }));
      assert.equal(decided.verdict, 'taken');
      assert.deepEqual(await place.locksOn('b'), []);
    });
  });
});
