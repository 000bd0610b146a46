import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { BulkRequest, CopyFilesInput, JobOwner } from '../../../contract/messages.ts';
import type { BulkPlan } from '../../../activities/index.ts';
import type { Place } from '../locks/locking.ts';
import { newOwner, type ActivityTest } from '../support.ts';
import { useBulkAdmission, type BulkAdmission } from './bulk-admission.ts';

describe('admitBulk of a job that waited for its locks', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;
  let bulk: BulkAdmission;

  useBulkAdmission((made) => {
    bulk = made;
    ({ test, place, owner } = made);
  });

  const again = (request: CopyFilesInput<BulkRequest>, plan: BulkPlan) =>
    test.run('admitBulk', { owner, taskQueue: 'queue', input: request, plan });

  /** The plan of a first try, which meets a file that another job has. */
  async function wait(request: CopyFilesInput<BulkRequest>): Promise<BulkPlan> {
    // Of a smaller correlation id, so that the refusal takes no time.
    const holder = newOwner({ correlationId: `0${randomUUID().slice(1)}` });
    const held = await place.hold(place.destination('a/x'), holder);
    const decided = await bulk.admit(request);
    assert.ok(decided.verdict === 'locked');
    await test.storage.locks.release(held, held.generation);
    return decided.plan;
  }

  async function putManifest() {
    const line = { sourceCollectionId: bulk.from, destinationCollectionId: bulk.to, fileName: 'a/x' };
    await test.emulator.putObject(test.sourceBucket, place.source('list.ndjson').name, JSON.stringify(line));
    return bulk.input({ kind: 'manifest', collectionId: bulk.from, fileName: 'list.ndjson' });
  }

  for (const [what, request] of [
    ['a prefix', () => Promise.resolve(bulk.input(bulk.collection('a/')))],
    ['a manifest', putManifest],
  ] as const) {
    it(`decides access to ${what} anew`, async () => {
      const asked = await request();
      const plan = await wait(asked);
      await bulk.change({});
      const decided = await again(asked, plan);
      assert.ok(decided.verdict === 'refused' && decided.admission.decision === 'forbidden', decided.verdict);
    });

    it(`locks ${what} where its collection is by then`, async () => {
      const asked = await request();
      const plan = await wait(asked);
      const moved = place.destination('moved/').name;
      await bulk.change({ readwrite: ['ann'] }, moved);
      const decided = await again(asked, plan);
      assert.ok(decided.verdict === 'accepted');
      assert.ok(decided.locks.every(({ prefix }) => prefix.startsWith(moved)) && decided.locks.length === 1);
    });
  }

  it('reads a list no second time where no collection has changed', async () => {
    const asked = await putManifest();
    const plan = await wait(asked);
    await test.emulator.deleteObject(test.sourceBucket, place.source('list.ndjson').name);
    const decided = await again(asked, plan);
    assert.ok(decided.verdict === 'accepted');
    assert.deepEqual(decided.plan, plan);
  });
});
