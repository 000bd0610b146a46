import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { BulkSource, JobOwner } from '../../../contract/messages.ts';
import type { Place } from '../locks/locking.ts';
import { failsWith, newOwner, type ActivityTest } from '../support.ts';
import { useBulkAdmission, type BulkAdmission } from './bulk-admission.ts';

describe('admitBulk', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let bulk: BulkAdmission;

  useBulkAdmission((made) => {
    bulk = made;
    ({ test, place, owner } = made);
  });

  it('of a prefix locks what is written, and keeps where it is', async () => {
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/')));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.plan.chunks, decided.plan.requested], [null, null]);
    const lock = await test.storage.locks.read(bulk.target('2026/'));
    assert.deepEqual(decided.locks, [
      { ...bulk.target('2026/'), generation: lock?.generation, createdAt: lock?.createdAt },
    ]);
    const record = await bulk.stored();
    assert.deepEqual(record?.bulk, bulk.collection('2026/'));
    assert.deepEqual(
      record.collections.map(({ collectionId }) => collectionId),
      [bulk.from, bulk.to],
    );
  });

  it('of a manifest plans every line, and locks what they have in common', async () => {
    const lines = ['a/1', 'a/2', 'a/b/3'].map((fileName) =>
      JSON.stringify({ sourceCollectionId: bulk.from, destinationCollectionId: bulk.to, fileName }),
    );
    await test.emulator.putObject(test.sourceBucket, place.source('list.ndjson').name, lines.join('\n'));
    const decided = await bulk.admit(
      bulk.input({ kind: 'manifest', collectionId: bulk.from, fileName: 'list.ndjson' }),
    );
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.plan.chunks, decided.plan.requested], [1, 3]);
    assert.deepEqual(
      decided.locks.map(({ bucket, prefix }) => ({ bucket, prefix })),
      [bulk.target('a/')],
    );
    assert.equal((await test.storage.chunks.readPlan(owner.correlationId, 0))?.length, 3);
  });

  it('without access claims the id and nothing else', async () => {
    const decided = await bulk.admit(bulk.input(bulk.collection(''), { caller: 'eve' }));
    assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
    assert.deepEqual((await bulk.stored())?.collections, []);
    assert.equal(await test.storage.locks.read(bulk.target('')), undefined);
  });

  it('refuses a prefix that would be copied into itself', async () => {
    const inside = randomUUID();
    const acl = { owner: ['ann'], admin: [], readwrite: [], readonly: [] };
    const bucket = test.sourceBucket;
    const document = { collectionId: inside, collectionName: inside, bucket, prefix: place.source('x/').name, acl };
    await test.emulator.putCollection(document);
    const decided = await bulk.admit(
      bulk.input({ ...bulk.collection(''), destinationCollectionId: inside } as BulkSource),
    );
    assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'invalid');
  });

  it('takes no lock where one file is held, and says which', async () => {
    const holder = newOwner();
    await place.hold(place.destination('2026/x'), holder);
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/')));
    assert.ok(decided.verdict === 'locked');
    const message = `the file is locked by job ${holder.correlationId}`;
    assert.deepEqual(decided.files, [{ collectionId: bulk.to, fileName: '2026/x', message }]);
    assert.deepEqual(decided.holders, [`job ${holder.correlationId}`]);
    assert.equal(await test.storage.locks.read(bulk.target('2026/')), undefined);
  });

  it('as a local activity leaves what another attempt has decided as it is, and gives up for good', async () => {
    const local = { isLocal: true };
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/')), owner, local);
    assert.equal(decided.verdict, 'accepted');
    const state = async () => [
      await test.storage.locks.read(bulk.target('2026/')),
      await test.storage.records.read(owner.correlationId),
    ];
    const before = await state();
    await failsWith(bulk.admit(bulk.input(bulk.collection('2026/')), owner, local), 'WORKER_LOST', {
      retryable: false,
    });
    assert.deepEqual(await state(), before);
    assert.equal(
      (await bulk.admit(bulk.input(bulk.collection('2026/')))).verdict,
      'accepted',
      'a task goes on from there',
    );
  });

  it('of a dry run takes no lock', async () => {
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/'), { dryRun: true }));
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.locks, await test.storage.locks.read(bulk.target('2026/'))], [[], undefined]);
  });

  it('tells the outcome of the job that has the id', async () => {
    await bulk.admit(bulk.input(bulk.collection('2026/')));
    const decided = await bulk.admit(
      bulk.input(bulk.collection('2027/')),
      newOwner({ correlationId: owner.correlationId }),
    );
    assert.ok(decided.verdict === 'taken');
    assert.equal(await test.storage.locks.read(bulk.target('2027/')), undefined);
  });
});
