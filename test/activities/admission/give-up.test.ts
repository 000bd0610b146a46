import assert from 'node:assert/strict';
import type { BulkRequest, CopyFilesInput, JobOwner } from '../../../contract/messages.ts';
import { resetAfter } from '../../support/storage-proxy/index.ts';
import { newPlace, type Place } from '../locks/locking.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

describe('giveUpAdmission', () => {
  let test: ActivityTest;
  let place: Place;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    place = newPlace(test);
    owner = newOwner();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const INPUT: CopyFilesInput<BulkRequest> = {
    ...{ requestor: { caller: 'ann', principals: ['ann'] }, digest: 'd1', receivedAt: 1 },
    request: {
      bulk: { kind: 'manifest', collectionId: 'lists', fileName: 'list.ndjson' },
      options: { overwrite: 'always' },
    },
  };
  const giveUp = (by = owner) => test.run('giveUpAdmission', { owner: by, taskQueue: 'queue', input: INPUT });
  const under = ({ bucket, name }: { bucket: string; name: string }) => ({ bucket, prefix: name });

  /** What an attempt has left that did not live to tell of it: two locks, and two chunks of a plan. */
  async function leave(): Promise<void> {
    for (const target of [under(place.destination('a/')), under(place.source('b/'))]) {
      assert.ok((await test.storage.locks.acquire(target, owner)).taken);
    }
    for (const [chunk, names] of [['1', '2'], ['3']].entries()) {
      const files = place.entries(...names).map((entry, index) => ({ ...entry, index: chunk * 2 + index }));
      await test.storage.chunks.writePlan(owner.correlationId, chunk, files);
    }
  }

  const left = async () => {
    const locks = await test.storage.locks.findOverlapping([under(place.destination('')), under(place.source(''))]);
    return locks.map((lock) => lock.owner);
  };

  it('claims the id, and gives back what attempts have locked, wherever that is', async () => {
    await leave();
    const other = newOwner();
    assert.ok((await test.storage.locks.acquire(under(place.destination('b/')), other)).taken);
    const given = await giveUp();
    const record = await test.storage.records.read(owner.correlationId);
    assert.ok(record !== undefined);
    assert.deepEqual(given, { verdict: 'givenUp', planned: 3, recordGeneration: record.generation });
    assert.deepEqual(await left(), [other], 'those of others stay');
  });

  it('finds nothing where nothing was begun', async () => {
    const given = await giveUp();
    assert.ok(given.verdict === 'givenUp');
    assert.equal(given.planned, 0);
  });

  it('may be repeated, where an answer was lost', async () => {
    await leave();
    test.proxy.inject({ operation: 'delete', bucket: test.controlBucket }, resetAfter(), { times: 1 });
    await failsWith(giveUp(), 'STORAGE_UNAVAILABLE', { retryable: true });
    const given = await giveUp();
    assert.ok(given.verdict === 'givenUp');
    assert.deepEqual([given.planned, await left()], [3, []]);
  });

  it('tells the outcome of the job that has the id, and leaves its locks alone', async () => {
    await leave();
    await giveUp();
    await leave();
    const given = await giveUp(newOwner({ correlationId: owner.correlationId }));
    assert.equal(given.verdict, 'taken');
    assert.deepEqual(await left(), [owner, owner]);
  });

  it('is as good as countPlanned tells of a plan that nobody has told of', async () => {
    await leave();
    const { correlationId } = owner;
    assert.equal(await test.run('countPlanned', { correlationId, from: 0 }), 3);
    assert.equal(await test.run('countPlanned', { correlationId, from: 1 }), 1);
    assert.equal(await test.run('countPlanned', { correlationId, from: 2 }), 0);
  });
});
