import assert from 'node:assert/strict';
import type { JobOwner } from '../../../contract/messages.ts';
import { lockName } from '../../../storage/lock-names.ts';
import { answerError, holdBefore } from '../../support/storage-proxy/index.ts';
import type { Place } from '../locks/locking.ts';
import { failsWith, newOwner, type ActivityTest } from '../support.ts';
import { useBulkAdmission, type BulkAdmission } from './bulk-admission.ts';

describe('admitBulk with collections that were read a moment ago', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let bulk: BulkAdmission;

  useBulkAdmission((made) => {
    bulk = made;
    ({ test, place, owner } = made);
  });

  beforeEach(async () => {
    assert.equal((await bulk.admit(bulk.input(bulk.collection('before/')), newOwner())).verdict, 'accepted');
    const { bucket, name } = place.source('2026/a');
    await test.emulator.putObject(bucket, name, 'a');
  });

  /** Lets the collections be read only once the prefix is locked. */
  function readLate(): void {
    const hold = holdBefore();
    test.proxy.inject({ operation: 'read', bucket: test.controlBucket, name: `collections/${bulk.to}.json` }, hold);
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
    const decided = await bulk.admit(bulk.input(bulk.collection('2026/')));
    assert.ok(decided.verdict === 'accepted');
    assert.equal(decided.listed?.chunks[0]?.count, 1);
  });

  for (const isLocal of [false, true]) {
    const how = isLocal ? ', as a local activity' : '';

    it(`refuses a caller from whom access was taken away meanwhile, and leaves no lock and no plan${how}`, async () => {
      await bulk.change({ readwrite: ['bob'] });
      readLate();
      const decided = await bulk.admit(bulk.input(bulk.collection('2026/')), owner, { isLocal });
      assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden');
      assert.equal(await test.storage.locks.read(bulk.target('2026/')), undefined);
      assert.equal(await test.storage.chunks.readPlan(owner.correlationId, 0), undefined);
      assert.deepEqual((await bulk.stored())?.collections, []);
    });

    it(`locks where a collection is by now, and nothing where it was${how}`, async () => {
      await bulk.change({ readwrite: ['ann'] }, place.destination('moved/').name);
      readLate();
      const decided = await bulk.admit(bulk.input(bulk.collection('2026/')), owner, { isLocal });
      assert.ok(decided.verdict === 'accepted');
      assert.deepEqual(
        decided.locks.map(({ prefix }) => prefix),
        [place.destination('moved/2026/').name],
      );
      assert.equal(await test.storage.locks.read(bulk.target('2026/')), undefined);
    });
  }

  it('refuses such a caller, and leaves no lock and no plan where an attempt before could not take back its own', async () => {
    await bulk.change({ readwrite: ['bob'] });
    readLate();
    const removal = { operation: 'delete', name: lockName(bulk.target('2026/')) } as const;
    test.proxy.inject(removal, answerError(503));
    const failing = { retryable: true };
    await failsWith(bulk.admit(bulk.input(bulk.collection('2026/'))), 'STORAGE_UNAVAILABLE', failing);
    await failsWith(bulk.admit(bulk.input(bulk.collection('2026/'))), 'STORAGE_UNAVAILABLE', failing);
    test.proxy.removeFaults();
    assert.notEqual(await test.storage.locks.read(bulk.target('2026/')), undefined);
    assert.equal((await bulk.admit(bulk.input(bulk.collection('2026/')))).verdict, 'refused');
    assert.equal(await test.storage.locks.read(bulk.target('2026/')), undefined);
    assert.equal(await test.storage.chunks.readPlan(owner.correlationId, 0), undefined);
  });
});
