import assert from 'node:assert/strict';
import type { JobOwner } from '../../../contract/messages.ts';
import { holdBefore } from '../../support/storage-proxy/index.ts';
import type { Place } from '../locks/locking.ts';
import { failsWith, newOwner, type ActivityTest } from '../support.ts';
import { useBulkAdmission, type BulkAdmission } from './bulk-admission.ts';

describe('admitBulk with onLocked "skip"', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let bulk: BulkAdmission;

  useBulkAdmission((made) => {
    bulk = made;
    ({ test, place, owner } = made);
  });

  const skip = () => bulk.input(bulk.collection('2026/'), { onLocked: 'skip' });
  const kept = (name: string | undefined) =>
    name === undefined ? undefined : test.storage.lockedPlaces.read(owner.correlationId, name);

  it('locks the prefix all the same, and keeps what others hold under a name that the record tells', async () => {
    await place.hold(place.destination('2026/x'), newOwner());
    const decided = await bulk.admit(skip());
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual(
      decided.locks.map(({ bucket, prefix }) => ({ bucket, prefix })),
      [bulk.target('2026/')],
    );
    assert.deepEqual(await kept(decided.lockedPlaces), [place.destination('2026/x')]);
    const record = await test.storage.records.read(owner.correlationId);
    assert.equal(record?.record.lockedPlaces, decided.lockedPlaces);
    assert.equal(record?.generation, decided.recordGeneration, 'the job may be closed without reading it');
    const again = await bulk.admit(skip());
    assert.ok(again.verdict === 'accepted');
    assert.equal(again.lockedPlaces, decided.lockedPlaces, 'where the answer was lost');
    assert.equal((await bulk.stored())?.lockedPlaces, again.lockedPlaces);
  });

  it('keeps nothing, and writes the record once, where nobody is in its way', async () => {
    const decided = await bulk.admit(skip());
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.lockedPlaces, (await bulk.stored())?.lockedPlaces], [undefined, undefined]);
    assert.equal(test.proxy.writes(test.controlBucket, `jobs/${owner.correlationId}/job.json`), 1);
  });

  it('is accepted, holding nothing, where others hold all of it', async () => {
    const holder = newOwner();
    assert.ok((await test.storage.locks.acquire(bulk.target(''), holder)).taken);
    const decided = await bulk.admit(skip());
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual([decided.locks, await kept(decided.lockedPlaces)], [[], [bulk.target('')]]);
    assert.equal(await test.storage.locks.read(bulk.target('2026/')), undefined);
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
    assert.equal((await bulk.stored())?.lockedPlaces, decided.lockedPlaces);
    assert.equal((await test.storage.locks.read(bulk.target('2026/')))?.generation, decided.locks[0]?.generation);
  });
});
