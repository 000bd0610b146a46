import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { BulkRequest, CopyFilesInput, JobOwner } from '../../../contract/messages.ts';
import type { ListingPlan } from '../../../activities/index.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdAfter, holdBefore, inPagesOf } from '../../support/storage-proxy/index.ts';
import type { Place } from '../locks/locking.ts';
import { newOwner, type ActivityTest } from '../support.ts';
import { useBulkAdmission, type BulkAdmission } from './bulk-admission.ts';

describe('admitBulk of a prefix', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let bulk: BulkAdmission;

  useBulkAdmission((made) => {
    bulk = made;
    ({ test, place, owner } = made);
  });

  const told = ({ listed }: { listed?: ListingPlan }) =>
    listed && {
      chunks: listed.chunks.map(({ chunk, count }) => ({ chunk, count })),
      next: listed.cursor?.startOffset ?? null,
    };

  it('plans the first files beside the locks: all of them, where they are one page', async () => {
    await bulk.put('2026/a', '2026/b', '2027/c');
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/')));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual(told(decided), { chunks: [{ chunk: 0, count: 2 }], next: null });
    assert.deepEqual(await bulk.planned(), ['2026/a', '2026/b']);
  });

  it('leaves the rest of a larger one to planning, and says where that is to begin', async () => {
    await bulk.put('a', 'b', 'c');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    const decided = await bulk.admit(bulk.input(bulk.collection('')));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual(told(decided), { chunks: [{ chunk: 0, count: 2 }], next: place.source('b').name });
    assert.deepEqual(await bulk.planned(), ['a', 'b']);
  });

  it('is accepted where it cannot be listed: planning meets that again, and tells', async () => {
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(403));
    const decided = await bulk.admit(bulk.input(bulk.collection('')));
    assert.ok(decided.verdict === 'accepted');
    assert.equal(decided.listed, undefined);
  });

  for (const [what, request] of [
    ['plans', () => ({ operation: 'upload' as const })],
    ['takes its own plan back, as it is refused', () => ({ operation: 'delete' as const })],
  ] as const) {
    it(`leaves what a later attempt has planned as it is, where it ${what} late, as a local activity`, async () => {
      await bulk.put('2026/x');
      const isLocked = what !== 'plans';
      const lock = isLocked ? await place.hold(place.destination('2026/x'), newOwner()) : undefined;
      const held = holdBefore();
      const inPlan = ({ name }: { name: string }) => name.startsWith(`jobs/${owner.correlationId}/plan/`);
      test.proxy.inject(
        ({ operation, bucket, name }) =>
          operation === request().operation && bucket === test.controlBucket && inPlan({ name }),
        held,
        { times: 1 },
      );
      const input = bulk.input(bulk.collection('2026/'));
      const late = test.start('admitBulk', { owner, taskQueue: 'queue', input }, { isLocal: true });
      await held.reached;
      if (lock !== undefined) await test.storage.locks.release(lock, lock.generation);
      const decided = await bulk.admit(input);
      assert.ok(decided.verdict === 'accepted');
      const [chunk] = decided.listed?.chunks ?? [];
      held.release();
      const ended = await late.result.then(
        ({ verdict }) => verdict,
        () => 'gave up',
      );
      assert.equal(ended, isLocked ? 'locked' : 'gave up');
      const name = `jobs/${owner.correlationId}/plan/000000.ndjson`;
      const { generation } = (await test.storage.objects.stat({ bucket: test.controlBucket, name })) ?? {};
      assert.equal(generation, chunk?.generation);
    });
  }

  it('that is locked leaves no plan behind, and is not listed again while it waits', async () => {
    await bulk.put('2026/x');
    const held = await place.hold(
      place.destination('2026/x'),
      newOwner({ correlationId: `0${randomUUID().slice(1)}` }),
    );
    const request = bulk.input(bulk.collection('2026/'));
    const decided = await bulk.admit(request);
    assert.ok(decided.verdict === 'locked');
    assert.equal(await bulk.planned(), undefined);
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
      const decided = await bulk.admit(request);
      assert.ok(decided.verdict === 'accepted');
      const { generation } = decided.listed?.chunks[0] ?? assert.fail();
      await change();
      const requests = test.proxy.requestsFromNow();
      const { correlationId } = owner;
      const outcome = await test.run('copyChunk', {
        ...{ owner, correlationId, chunk: 0, part: 0, collections: decided.plan.collections },
        overwrite: request.request.options.overwrite,
        ...{ locks: decided.locks, ...(generation !== undefined && { planGeneration: generation }) },
      });
      const operations = requests().map(({ operation }) => operation);
      return { counts: outcome.counts, asked: operations.slice(0, operations.indexOf('rewrite')) };
    }

    it('begins to write at once: plan and destinations are known, and the lock was seen to stand since', async () => {
      await bulk.put('a', 'b');
      // The lock is made, and looked at, only once the destinations have been seen.
      const lock = holdBefore();
      test.proxy.inject({ operation: 'upload', bucket: test.controlBucket, name: lockName(bulk.target('')) }, lock);
      const listing = test.proxy.nextRequest({ operation: 'list', bucket: test.destinationBucket });
      const copied = copyFirst(bulk.input(bulk.collection('')));
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
        await bulk.put('a');
        const { bucket, name } = place.destination('a');
        await test.emulator.putObject(bucket, name, 'a');
        const lock = holdBefore();
        test.proxy.inject({ operation: 'upload', bucket: test.controlBucket, name: lockName(bulk.target('')) }, lock);
        // The plan comes once the destinations have been seen, if they are.
        const plan = `jobs/${owner.correlationId}/plan/000000.ndjson`;
        const planned = test.proxy.nextRequest({ operation: 'upload', name: plan });
        const copied = copyFirst(bulk.input(bulk.collection(''), { overwrite }));
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
      await bulk.put('a', 'b');
      const seenLate = holdAfter();
      test.proxy.inject({ operation: 'list', bucket: test.destinationBucket }, seenLate);
      const looking = test.proxy.nextRequest({ operation: 'list', bucket: test.controlBucket });
      const copied = copyFirst(bulk.input(bulk.collection('')));
      await seenLate.reached;
      await looking;
      seenLate.release();
      const { counts, asked } = await copied;
      assert.deepEqual([counts.completed, asked], [2, ['stat']]);
    });

    it('writes over what was at a destination, and what has come there since', async () => {
      await bulk.put('a', 'b', 'c');
      const { bucket, name } = place.destination('a');
      await test.emulator.putObject(bucket, name, 'before');
      const { counts } = await copyFirst(bulk.input(bulk.collection('')), () =>
        test.emulator.putObject(bucket, place.destination('b').name, 'since'),
      );
      assert.equal(counts.completed, 3);
      for (const file of ['a', 'b', 'c']) {
        const content = await test.emulator.getObject(bucket, place.destination(file).name);
        assert.equal(content && Buffer.from(content).toString(), file);
      }
    });

    it('looks again where there is more at the destination than was seen', async () => {
      await bulk.put('m');
      for (const name of ['a', 'b', 'z']) {
        const { bucket, name: full } = place.destination(name);
        await test.emulator.putObject(bucket, full, name);
      }
      test.proxy.inject({ operation: 'list', bucket: test.destinationBucket }, inPagesOf(2));
      const { counts, asked } = await copyFirst(bulk.input(bulk.collection('')));
      assert.equal(counts.completed, 1);
      assert.ok(asked.length > 1, asked.join());
    });
  });

  it('is planned by the job that has the correlation id alone', async () => {
    await bulk.put('2026/a', '2027/b');
    await bulk.admit(bulk.input(bulk.collection('2026/')));
    const decided = await bulk.admit(
      bulk.input(bulk.collection('2027/')),
      newOwner({ correlationId: owner.correlationId }),
    );
    assert.ok(decided.verdict === 'taken');
    assert.deepEqual(await bulk.planned(), ['2026/a']);
  });
});
