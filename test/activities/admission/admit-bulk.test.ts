import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { BulkRequest, BulkSource, CopyFilesInput, CopyOptions, JobOwner } from '../../../contract/messages.ts';
import type { BulkPlan, ListingPlan } from '../../../activities/index.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdAfter, holdBefore, inPagesOf } from '../../support/storage-proxy/index.ts';
import { newPlace, type Place } from '../locks/locking.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

describe('admitBulk', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let from: string;
  let to: string;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(async () => {
    place = newPlace(test);
    owner = newOwner();
    [from, to] = [randomUUID(), randomUUID()];
    const acl = { owner: [], admin: [], readwrite: ['ann'], readonly: [] };
    const [source, destination] = place.collections;
    for (const [collectionId, { bucket, prefix }] of [
      [from, source!],
      [to, destination!],
    ] as const) {
      await test.emulator.putCollection({ collectionId, collectionName: collectionId, bucket, prefix, acl });
    }
  });

  const collection = (prefix: string): BulkSource => ({
    ...{ kind: 'collection', sourceCollectionId: from, destinationCollectionId: to, prefix },
  });

  function input(bulk: BulkSource, { caller = 'ann', ...options }: Partial<CopyOptions> & { caller?: string } = {}) {
    return {
      ...{ requestor: { caller, principals: [caller] }, digest: 'd1', receivedAt: 1 },
      request: { bulk, options: { overwrite: 'always', ...options } },
    } satisfies CopyFilesInput<BulkRequest>;
  }

  const admit = (request: CopyFilesInput<BulkRequest>, by = owner, info = {}) =>
    test.run('admitBulk', { owner: by, taskQueue: 'queue', input: request }, info);
  const target = (prefix: string) => ({ bucket: test.destinationBucket, prefix: place.destination(prefix).name });
  const stored = async () => (await test.storage.records.read(owner.correlationId))?.record;

  it('of a prefix locks what is written, and keeps where it is', async () => {
    const decided = await admit(input(collection('2026/')));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.plan.chunks, decided.plan.requested], [null, null]);
    const lock = await test.storage.locks.read(target('2026/'));
    assert.deepEqual(decided.locks, [{ ...target('2026/'), generation: lock?.generation, createdAt: lock?.createdAt }]);
    const record = await stored();
    assert.deepEqual(record?.bulk, collection('2026/'));
    assert.deepEqual(
      record.collections.map(({ collectionId }) => collectionId),
      [from, to],
    );
  });

  describe('of a prefix', () => {
    const put = (...names: string[]) =>
      Promise.all(names.map((name) => test.emulator.putObject(test.sourceBucket, place.source(name).name, name)));
    const told = ({ listed }: { listed?: ListingPlan }) =>
      listed && {
        chunks: listed.chunks.map(({ chunk, count }) => ({ chunk, count })),
        next: listed.cursor?.startOffset ?? null,
      };
    const planned = async () =>
      (await test.storage.chunks.readPlan(owner.correlationId, 0))?.map((file) => file.fileName);

    afterEach(() => {
      test.proxy.removeFaults();
    });

    it('plans the first files beside the locks: all of them, where they are one page', async () => {
      await put('2026/a', '2026/b', '2027/c');
      const decided = await admit(input(collection('2026/')));
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(told(decided), { chunks: [{ chunk: 0, count: 2 }], next: null });
      assert.deepEqual(await planned(), ['2026/a', '2026/b']);
    });

    it('leaves the rest of a larger one to planning, and says where that is to begin', async () => {
      await put('a', 'b', 'c');
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
      const decided = await admit(input(collection('')));
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(told(decided), { chunks: [{ chunk: 0, count: 2 }], next: place.source('b').name });
      assert.deepEqual(await planned(), ['a', 'b']);
    });

    it('is accepted where it cannot be listed: planning meets that again, and tells', async () => {
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(403));
      const decided = await admit(input(collection('')));
      assert.ok(decided.verdict === 'accepted');
      assert.equal(decided.listed, undefined);
    });

    it('that is locked leaves no plan behind, and is not listed again while it waits', async () => {
      await put('2026/x');
      const held = await place.hold(
        place.destination('2026/x'),
        newOwner({ correlationId: `0${randomUUID().slice(1)}` }),
      );
      const request = input(collection('2026/'));
      const decided = await admit(request);
      assert.ok(decided.verdict === 'locked');
      assert.equal(await planned(), undefined);
      await test.storage.locks.release(held, held.generation);
      const task = { owner, taskQueue: 'queue', input: request, plan: decided.plan };
      const again = await test.run('admitBulk', task);
      assert.ok(again.verdict === 'accepted');
      assert.equal(again.listed, undefined);
    });

    describe('whose first chunk is copied by the same worker', () => {
      /** Copies the first chunk of a job that was accepted; gives its outcome, and what was asked before a first write. */
      async function copyFirst(
        request: CopyFilesInput<BulkRequest>,
        change: () => Promise<unknown> = () => Promise.resolve(),
      ) {
        const decided = await admit(request);
        assert.ok(decided.verdict === 'accepted');
        const { generation } = decided.listed?.chunks[0] ?? assert.fail();
        await change();
        const before = test.proxy.requests({}).length;
        const { correlationId } = owner;
        const outcome = await test.run('copyChunk', {
          ...{ owner, correlationId, chunk: 0, part: 0, collections: decided.plan.collections },
          overwrite: request.request.options.overwrite,
          ...{ locks: decided.locks, ...(generation !== undefined && { planGeneration: generation }) },
        });
        const operations = test.proxy
          .requests({})
          .slice(before)
          .map(({ operation }) => operation);
        return { counts: outcome.counts, asked: operations.slice(0, operations.indexOf('rewrite')) };
      }

      it('begins to write at once: plan and destinations are known, and the lock was seen to stand since', async () => {
        await put('a', 'b');
        // The lock is made, and looked at, only once the destinations have been seen.
        const lock = holdBefore();
        test.proxy.inject({ operation: 'upload', bucket: test.controlBucket, name: lockName(target('')) }, lock);
        const listing = test.proxy.nextRequest({ operation: 'list', bucket: test.destinationBucket });
        const copied = copyFirst(input(collection('')));
        await lock.reached;
        const listed = await listing;
        while (listed.answeredAt === undefined) await new Promise(setImmediate);
        lock.release();
        const { counts, asked } = await copied;
        assert.deepEqual([counts.completed, asked], [2, []]);
      });

      for (const [overwrite, content] of [
        ['ifDifferent', 'a'],
        ['never', 'of the job before'],
      ] as const) {
        it(`goes by what it finds under its lock with ${overwrite}: another job may have written until then`, async () => {
          await put('a');
          const { bucket, name } = place.destination('a');
          await test.emulator.putObject(bucket, name, 'a');
          const lock = holdBefore();
          test.proxy.inject({ operation: 'upload', bucket: test.controlBucket, name: lockName(target('')) }, lock);
          // The plan comes once the destinations have been seen, if they are.
          const plan = `jobs/${owner.correlationId}/plan/000000.ndjson`;
          const planned = test.proxy.nextRequest({ operation: 'upload', name: plan });
          const copied = copyFirst(input(collection(''), { overwrite }));
          await Promise.all([lock.reached, planned]);
          await test.emulator.putObject(bucket, name, 'of the job before');
          const written = await test.storage.objects.stat({ bucket, name });
          lock.release();
          await copied;
          const [file] = (await test.storage.chunks.readResults(owner.correlationId, 0, 0)) ?? [];
          assert.equal(Buffer.from((await test.emulator.getObject(bucket, name)) ?? '').toString(), content);
          if (overwrite === 'never') assert.equal(file?.generation, written?.generation);
        });
      }

      it('looks at the lock where it was not seen to stand after the destinations were', async () => {
        await put('a', 'b');
        const seenLate = holdAfter();
        test.proxy.inject({ operation: 'list', bucket: test.destinationBucket }, seenLate);
        const looking = test.proxy.nextRequest({ operation: 'list', bucket: test.controlBucket });
        const copied = copyFirst(input(collection('')));
        await seenLate.reached;
        await looking;
        seenLate.release();
        const { counts, asked } = await copied;
        assert.deepEqual([counts.completed, asked], [2, ['stat']]);
      });

      it('writes over what was at a destination, and what has come there since', async () => {
        await put('a', 'b', 'c');
        const { bucket, name } = place.destination('a');
        await test.emulator.putObject(bucket, name, 'before');
        const { counts } = await copyFirst(input(collection('')), () =>
          test.emulator.putObject(bucket, place.destination('b').name, 'since'),
        );
        assert.equal(counts.completed, 3);
        for (const file of ['a', 'b', 'c']) {
          const content = await test.emulator.getObject(bucket, place.destination(file).name);
          assert.equal(content && Buffer.from(content).toString(), file);
        }
      });

      it('looks again where there is more at the destination than was seen', async () => {
        await put('m');
        for (const name of ['a', 'b', 'z']) {
          const { bucket, name: full } = place.destination(name);
          await test.emulator.putObject(bucket, full, name);
        }
        test.proxy.inject({ operation: 'list', bucket: test.destinationBucket }, inPagesOf(2));
        const { counts, asked } = await copyFirst(input(collection('')));
        assert.equal(counts.completed, 1);
        assert.ok(asked.length > 1, asked.join());
      });
    });

    it('is planned by the job that has the correlation id alone', async () => {
      await put('2026/a', '2027/b');
      await admit(input(collection('2026/')));
      const decided = await admit(input(collection('2027/')), newOwner({ correlationId: owner.correlationId }));
      assert.ok(decided.verdict === 'taken');
      assert.deepEqual(await planned(), ['2026/a']);
    });
  });

  it('of a manifest plans every line, and locks what they have in common', async () => {
    const lines = ['a/1', 'a/2', 'a/b/3'].map((fileName) =>
      JSON.stringify({ sourceCollectionId: from, destinationCollectionId: to, fileName }),
    );
    await test.emulator.putObject(test.sourceBucket, place.source('list.ndjson').name, lines.join('\n'));
    const decided = await admit(input({ kind: 'manifest', collectionId: from, fileName: 'list.ndjson' }));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.plan.chunks, decided.plan.requested], [1, 3]);
    assert.deepEqual(
      decided.locks.map(({ bucket, prefix }) => ({ bucket, prefix })),
      [target('a/')],
    );
    assert.equal((await test.storage.chunks.readPlan(owner.correlationId, 0))?.length, 3);
  });

  it('without access claims the id and nothing else', async () => {
    const decided = await admit(input(collection(''), { caller: 'eve' }));
    assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
    assert.deepEqual((await stored())?.collections, []);
    assert.equal(await test.storage.locks.read(target('')), undefined);
  });

  it('refuses a prefix that would be copied into itself', async () => {
    const inside = randomUUID();
    const acl = { owner: ['ann'], admin: [], readwrite: [], readonly: [] };
    const bucket = test.sourceBucket;
    const document = { collectionId: inside, collectionName: inside, bucket, prefix: place.source('x/').name, acl };
    await test.emulator.putCollection(document);
    const decided = await admit(input({ ...collection(''), destinationCollectionId: inside } as BulkSource));
    assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'invalid');
  });

  it('takes no lock where one file is held, and says which', async () => {
    const holder = newOwner();
    await place.hold(place.destination('2026/x'), holder);
    const decided = await admit(input(collection('2026/')));
    assert.ok(decided.verdict === 'locked');
    const message = `the file is locked by job ${holder.correlationId}`;
    assert.deepEqual(decided.files, [{ collectionId: to, fileName: '2026/x', message }]);
    assert.deepEqual(decided.holders, [`job ${holder.correlationId}`]);
    assert.equal(await test.storage.locks.read(target('2026/')), undefined);
  });

  describe('with onLocked "skip"', () => {
    const skip = () => input(collection('2026/'), { onLocked: 'skip' });
    const kept = (name: string | undefined) =>
      name === undefined ? undefined : test.storage.lockedPlaces.read(owner.correlationId, name);

    afterEach(() => {
      test.proxy.removeFaults();
    });

    it('locks the prefix all the same, and keeps what others hold under a name that the record tells', async () => {
      await place.hold(place.destination('2026/x'), newOwner());
      const decided = await admit(skip());
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(
        decided.locks.map(({ bucket, prefix }) => ({ bucket, prefix })),
        [target('2026/')],
      );
      assert.deepEqual(await kept(decided.lockedPlaces), [place.destination('2026/x')]);
      const record = await test.storage.records.read(owner.correlationId);
      assert.equal(record?.record.lockedPlaces, decided.lockedPlaces);
      assert.equal(record?.generation, decided.recordGeneration, 'the job may be closed without reading it');
      const again = await admit(skip());
      assert.ok(again.verdict === 'accepted');
      assert.equal(again.lockedPlaces, decided.lockedPlaces, 'where the answer was lost');
      assert.equal((await stored())?.lockedPlaces, again.lockedPlaces);
    });

    it('keeps nothing, and writes the record once, where nobody is in its way', async () => {
      const decided = await admit(skip());
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual([decided.lockedPlaces, (await stored())?.lockedPlaces], [undefined, undefined]);
      assert.equal(test.proxy.writes(test.controlBucket, `jobs/${owner.correlationId}/job.json`), 1);
    });

    it('is accepted, holding nothing, where others hold all of it', async () => {
      const holder = newOwner();
      assert.ok((await test.storage.locks.acquire(target(''), holder)).taken);
      const decided = await admit(skip());
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual([decided.locks, await kept(decided.lockedPlaces)], [[], [target('')]]);
      assert.equal(await test.storage.locks.read(target('2026/')), undefined);
    });

    it('goes by what the last attempt has seen, whose record an earlier one cannot change any more', async () => {
      const held = await place.hold(place.destination('2026/x'), newOwner());
      const task = { owner, taskQueue: 'queue', input: skip() };
      const late = holdBefore();
      const locked = new RegExp(`^jobs/${owner.correlationId}/locked/`);
      test.proxy.inject({ operation: 'upload', bucket: test.controlBucket, name: locked }, late, { times: 1 });
      const first = test.start('admitBulk', task);
      await late.reached;
      await place.hold(place.destination('2026/y'), newOwner());
      await test.storage.locks.release(held, held.generation);
      const decided = await test.run('admitBulk', task, { attempt: 2 });
      late.release();
      await failsWith(first.result, 'STORAGE_UNAVAILABLE', { retryable: true });
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(await kept(decided.lockedPlaces), [place.destination('2026/y')]);
      assert.equal((await stored())?.lockedPlaces, decided.lockedPlaces);
      assert.equal((await test.storage.locks.read(target('2026/')))?.generation, decided.locks[0]?.generation);
    });
  });

  describe('of a job that waited for its locks', () => {
    const again = (request: CopyFilesInput<BulkRequest>, plan: BulkPlan) =>
      test.run('admitBulk', { owner, taskQueue: 'queue', input: request, plan });

    /** The plan of a first try, which meets a file that another job has. */
    async function wait(request: CopyFilesInput<BulkRequest>): Promise<BulkPlan> {
      // Of a smaller correlation id, so that the refusal takes no time.
      const holder = newOwner({ correlationId: `0${randomUUID().slice(1)}` });
      const held = await place.hold(place.destination('a/x'), holder);
      const decided = await admit(request);
      assert.ok(decided.verdict === 'locked');
      await test.storage.locks.release(held, held.generation);
      return decided.plan;
    }

    async function putManifest() {
      const line = { sourceCollectionId: from, destinationCollectionId: to, fileName: 'a/x' };
      await test.emulator.putObject(test.sourceBucket, place.source('list.ndjson').name, JSON.stringify(line));
      return input({ kind: 'manifest', collectionId: from, fileName: 'list.ndjson' });
    }

    const change = (acl: object, prefix = place.destination('').name) =>
      test.emulator.putCollection({
        ...{ collectionId: to, collectionName: to, bucket: test.destinationBucket, prefix },
        acl: acl,
      });

    for (const [what, request] of [
      ['a prefix', () => Promise.resolve(input(collection('a/')))],
      ['a manifest', putManifest],
    ] as const) {
      it(`decides access to ${what} anew`, async () => {
        const bulk = await request();
        const plan = await wait(bulk);
        await change({});
        const decided = await again(bulk, plan);
        assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden', decided.verdict);
      });

      it(`locks ${what} where its collection is by then`, async () => {
        const bulk = await request();
        const plan = await wait(bulk);
        const moved = place.destination('moved/').name;
        await change({ readwrite: ['ann'] }, moved);
        const decided = await again(bulk, plan);
        assert.ok(decided.verdict === 'accepted');
        assert.ok(decided.locks.every(({ prefix }) => prefix.startsWith(moved)) && decided.locks.length === 1);
      });
    }

    it('reads a list no second time where no collection has changed', async () => {
      const bulk = await putManifest();
      const plan = await wait(bulk);
      await test.emulator.deleteObject(test.sourceBucket, place.source('list.ndjson').name);
      const decided = await again(bulk, plan);
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(decided.plan, plan);
    });
  });

  describe('with collections that were read a moment ago', () => {
    const acl = { owner: [], admin: [], readwrite: [], readonly: [] };
    const change = (more: object, prefix = place.destination('').name) =>
      test.emulator.putCollection({
        ...{ collectionId: to, collectionName: to, bucket: test.destinationBucket, prefix },
        acl: { ...acl, ...more },
      });

    beforeEach(async () => {
      assert.equal((await admit(input(collection('before/')), newOwner())).verdict, 'accepted');
      const { bucket, name } = place.source('2026/a');
      await test.emulator.putObject(bucket, name, 'a');
    });

    afterEach(() => {
      test.proxy.removeFaults();
    });

    /** Lets the collections be read only once the prefix is locked. */
    function readLate(): void {
      const hold = holdBefore();
      test.proxy.inject({ operation: 'read', bucket: test.controlBucket, name: `collections/${to}.json` }, hold);
      test.proxy
        .nextRequest({
          operation: 'upload',
          bucket: test.controlBucket,
          name: `jobs/${owner.correlationId}/plan/000000.ndjson`,
        })
        .then(() => {
          hold.release();
        }, assert.fail);
    }

    it('locks and plans while they are read again', async () => {
      readLate();
      const decided = await admit(input(collection('2026/')));
      assert.ok(decided.verdict === 'accepted');
      assert.equal(decided.listed?.chunks[0]?.count, 1);
    });

    for (const isLocal of [false, true]) {
      const how = isLocal ? ', as a local activity' : '';

      it(`refuses a caller from whom access was taken away meanwhile, and leaves no lock and no plan${how}`, async () => {
        await change({ readwrite: ['bob'] });
        readLate();
        const decided = await admit(input(collection('2026/')), owner, { isLocal });
        assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
        assert.equal(await test.storage.locks.read(target('2026/')), undefined);
        assert.equal(await test.storage.chunks.readPlan(owner.correlationId, 0), undefined);
        assert.deepEqual((await stored())?.collections, []);
      });

      it(`locks where a collection is by now, and nothing where it was${how}`, async () => {
        await change({ readwrite: ['ann'] }, place.destination('moved/').name);
        readLate();
        const decided = await admit(input(collection('2026/')), owner, { isLocal });
        assert.ok(decided.verdict === 'accepted');
        assert.deepEqual(
          decided.locks.map(({ prefix }) => prefix),
          [place.destination('moved/2026/').name],
        );
        assert.equal(await test.storage.locks.read(target('2026/')), undefined);
      });
    }

    it('refuses such a caller, and leaves no lock and no plan where an attempt before could not take back its own', async () => {
      await change({ readwrite: ['bob'] });
      readLate();
      const removal = { operation: 'delete', name: lockName(target('2026/')) } as const;
      test.proxy.inject(removal, answerError(503));
      const failing = { retryable: true };
      await failsWith(admit(input(collection('2026/'))), 'STORAGE_UNAVAILABLE', failing);
      await failsWith(admit(input(collection('2026/'))), 'STORAGE_UNAVAILABLE', failing);
      test.proxy.removeFaults();
      assert.notEqual(await test.storage.locks.read(target('2026/')), undefined);
      assert.equal((await admit(input(collection('2026/')))).verdict, 'refused');
      assert.equal(await test.storage.locks.read(target('2026/')), undefined);
      assert.equal(await test.storage.chunks.readPlan(owner.correlationId, 0), undefined);
    });
  });

  it('as a local activity leaves what another attempt has decided as it is, and gives up for good', async () => {
    const local = { isLocal: true };
    const decided = await admit(input(collection('2026/')), owner, local);
    assert.equal(decided.verdict, 'accepted');
    const state = async () => [
      await test.storage.locks.read(target('2026/')),
      await test.storage.records.read(owner.correlationId),
    ];
    const before = await state();
    await failsWith(admit(input(collection('2026/')), owner, local), 'WORKER_LOST', { retryable: false });
    assert.deepEqual(await state(), before);
    assert.equal((await admit(input(collection('2026/')))).verdict, 'accepted', 'a task goes on from there');
  });

  it('of a dry run takes no lock', async () => {
    const decided = await admit(input(collection('2026/'), { dryRun: true }));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.locks, await test.storage.locks.read(target('2026/'))], [[], undefined]);
  });

  it('tells the outcome of the job that has the id', async () => {
    await admit(input(collection('2026/')));
    const decided = await admit(input(collection('2027/')), newOwner({ correlationId: owner.correlationId }));
    assert.ok(decided.verdict === 'taken');
    assert.equal(await test.storage.locks.read(target('2027/')), undefined);
  });
});
