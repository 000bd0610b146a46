import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CopyFilesInput, CopyOptions, JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { usePassedTime } from '../../support/passed-time.ts';
import { answerError, holdAfter, holdBefore, resetAfter } from '../../support/storage-proxy/index.ts';
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

  const admit = (request: CopyFilesInput, by = owner, info = {}) =>
    test.run('admitJob', { owner: by, taskQueue: 'queue', input: request }, info);
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

  describe('as a local activity, of which a late workflow task may begin one more when the job is another worker’s,', () => {
    const stopFor = usePassedTime();
    const local = { isLocal: true };
    const givesUp = (result: Promise<unknown>) =>
      failsWith(result, 'WORKER_LOST', { retryable: false, message: /another attempt has begun/ });

    it('decides a request of which there is nothing yet', async () => {
      const decided = await admit(input(['a', 'b']), owner, local);
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(
        decided.locks.map((lock) => lock?.generation),
        (await place.locksOn('a', 'b')).map(({ generation }) => generation),
      );
    });

    it('leaves the locks and the record of the one that was accepted as they are, and gives up for good', async () => {
      await admit(input(['a', 'b']), owner, { ...local, currentAttemptScheduledTimestampMs: 1_000 });
      const before = [await place.locksOn('a', 'b'), await test.storage.records.read(owner.correlationId)];
      await givesUp(admit(input(['a', 'b']), owner, { ...local, currentAttemptScheduledTimestampMs: 15_000 }));
      assert.deepEqual([await place.locksOn('a', 'b'), await test.storage.records.read(owner.correlationId)], before);
    });

    it('takes nothing where the other one has claimed the id, and keeps no lock that it has made itself', async () => {
      const holder = newOwner();
      const held = await place.hold(place.destination('b'), holder);
      const request = input(['a', 'b'], { onLocked: 'skip' });
      await admit(request, owner, local);
      await test.storage.locks.release(held, held.generation);
      const before = await place.locksOn('a', 'b');
      await givesUp(admit(request, owner, local));
      assert.deepEqual(await place.locksOn('a', 'b'), before);
    });

    it('keeps no lock either on what the job does without, where it finds that only by the claim', async () => {
      const held = await place.hold(place.destination('a'), newOwner());
      const request = input(['a'], { onLocked: 'skip' });
      const decided = await admit(request, owner, local);
      assert.ok(decided.verdict === 'accepted' && decided.locks[0] === null);
      await test.storage.locks.release(held, held.generation);
      await givesUp(admit(request, owner, local));
      assert.deepEqual(await place.locksOn('a'), []);
    });

    it('leaves what a task renews, whatever the clocks say', async () => {
      const hourLater = Date.now() + 60 * 60_000;
      const removal = { operation: 'delete', name: lockName(place.destination('a')) } as const;
      test.proxy.inject(removal, answerError(503));
      test.proxy.inject({ operation: 'upload', name: `jobs/${owner.correlationId}/job.json` }, answerError(503));
      const first = admit(input(['a']), owner, { ...local, currentAttemptScheduledTimestampMs: hourLater });
      await failsWith(first, 'STORAGE_UNAVAILABLE', { retryable: true });
      test.proxy.removeFaults();
      assert.equal((await place.locksOn('a')).length, 1);
      const decided = await admit(input(['a']), owner, { currentAttemptScheduledTimestampMs: Date.now() });
      assert.equal(decided.verdict, 'accepted');
    });

    it('keeps no lock that it has made after its process was stopped: the job may be over', async () => {
      const held = holdAfter();
      test.proxy.inject({ operation: 'upload', name: lockName(place.destination('a')) }, held, { times: 1 });
      const late = test.start('admitJob', { owner, taskQueue: 'queue', input: input(['a']) }, local);
      await held.reached;
      stopFor(3_000);
      held.release();
      await failsWith(late.result, 'WORKER_LOST', { retryable: true });
      assert.deepEqual(await place.locksOn('a'), []);
    });

    it('gives up where the other one has only made a lock', async () => {
      const [target] = [place.destination('b')];
      const made = await place.hold(target, owner);
      await givesUp(admit(input(['a', 'b']), owner, local));
      assert.deepEqual(await place.locksOn('a', 'b'), [made]);
    });

    it('does not refuse in its name either, where access was taken away since', async () => {
      await admit(input(['a']), owner, local);
      const acl = { owner: [], admin: [], readwrite: [], readonly: [] };
      const { bucket, prefix } = place.collections[1] ?? assert.fail();
      await test.emulator.putCollection({ collectionId: ids.to, collectionName: 'to', bucket, prefix, acl });
      await givesUp(admit(input(['a']), owner, local));
    });

    it('is followed by a task, which goes on from what there is', async () => {
      await place.hold(place.destination('a'), owner);
      await givesUp(admit(input(['a', 'b']), owner, local));
      const decided = await admit(input(['a', 'b']));
      assert.ok(decided.verdict === 'accepted');
      assert.equal((await place.locksOn('a', 'b')).length, 2);
    });

    it('says in the log where it cannot give back what it has made', async () => {
      await place.hold(place.destination('b'), owner);
      test.proxy.inject({ operation: 'delete', name: lockName(place.destination('a')) }, answerError(503));
      test.logged.splice(0);
      await givesUp(admit(input(['a', 'b']), owner, local));
      assert.ok(test.logged.some(({ msg }) => msg === 'a failed attempt cannot give its locks back'));
    });
  });

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

    for (const isLocal of [false, true]) {
      const how = isLocal ? ', as a local activity' : '';

      it(`locks and claims while they are read again${how}`, async () => {
        readLate();
        const decided = await admit(input(['a']), owner, { isLocal });
        assert.ok(decided.verdict === 'accepted');
        const [lock] = await place.locksOn('a');
        assert.equal(decided.locks[0]?.generation, lock?.generation);
      });

      it(`refuses a caller from whom access was taken away meanwhile, keeps nothing of the files and no lock${how}`, async () => {
        await change({ readwrite: ['bob'] });
        readLate();
        const decided = await admit(input(['a']), owner, { isLocal });
        assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
        assert.deepEqual(await place.locksOn('a'), []);
        const record = await stored();
        assert.deepEqual([record?.entries, record?.collections], [null, []]);
      });

      it(`locks where a collection is by now, and nothing where it was${how}`, async () => {
        const moved = `${place.collections[1]?.prefix}moved/`;
        await change({ readwrite: ['ann'] }, moved);
        readLate();
        const decided = await admit(input(['a']), owner, { isLocal });
        assert.ok(decided.verdict === 'accepted');
        assert.equal(decided.collections[1]?.prefix, moved);
        assert.deepEqual(await place.locksOn('a'), []);
        const [lock] = await place.locksOn('moved/a');
        assert.equal(decided.locks[0]?.generation, lock?.generation);
        assert.deepEqual((await stored())?.collections, decided.collections);
      });

      it(`locks anew what it had locked before a collection changed that it does not read from${how}`, async () => {
        await change({ readwrite: ['ann', 'bob'] });
        readLate();
        const decided = await admit(input(['a', 'b']), owner, { isLocal });
        assert.ok(decided.verdict === 'accepted');
        assert.deepEqual(
          decided.locks.map((lock) => lock?.generation),
          (await place.locksOn('a', 'b')).map(({ generation }) => generation),
        );
      });
    }

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
