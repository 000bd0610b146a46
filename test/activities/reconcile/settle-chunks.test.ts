import assert from 'node:assert/strict';
import { emptyCounts } from '../../../contract/states.ts';
import type { JobRecord } from '../../../storage/job-records.ts';
import { prepareChunk, type Chunking } from '../copying/chunking.ts';
import { makeActivityTest, type ActivityTest } from '../support.ts';

describe('settling a bulk job that was ended by force', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  /** The job's record, as it is while it copies. */
  async function recorded({ owner, correlationId, task }: Chunking, more: Partial<JobRecord> = {}): Promise<void> {
    const { namespace, firstRunId } = owner;
    await test.storage.records.create({
      correlationId,
      chain: { namespace, firstRunId },
      ...{ caller: 'ann', digest: 'd', receivedAt: 500, taskQueue: 'apollo-copy', options: { overwrite: 'always' } },
      ...{ collections: task.collections, entries: null, admission: null },
      bulk: { kind: 'manifest', collectionId: 'lists', fileName: 'list.ndjson' },
      status: {
        ...{ correlationId, state: 'Requested', counts: emptyCounts(0), startedAt: 500, endedAt: null, message: '' },
      },
      ...more,
    });
  }

  const settle = ({ correlationId }: Chunking, wasBegun = true) =>
    test.run('settleChunks', { correlationId, from: 0, wasBegun, lostAt: Number.MAX_SAFE_INTEGER, endedAt: 900 });

  it('fails the lines that could not be read, which name no collection, and tells of the others', async () => {
    const problem = 'INVALID_REQUEST: line 2 is no JSON object';
    const chunking = await prepareChunk(test, { files: { a: {}, b: { problem }, c: {} } });
    const { correlationId } = chunking;
    const planned = (await test.storage.chunks.readPlan(correlationId, 0)) ?? [];
    const nowhere = { sourceCollectionId: '', destinationCollectionId: '', fileName: '', destinationFileName: '' };
    const [a, b, c] = planned;
    await test.storage.chunks.writePlan(correlationId, 0, [a!, { ...b!, ...nowhere }, c!]);
    await recorded(chunking);
    await chunking.putDestination('a', 'content of a');
    assert.deepEqual(await settle(chunking), { unresolved: 3, copied: 1, next: null });
    const results = (await test.storage.chunks.readResults(correlationId, 0, 0)) ?? [];
    assert.deepEqual(
      results.map(({ index, state }) => [index, state]),
      planned.map(({ index }, at) => [index, ['Completed', 'Failed', 'Cancelled'][at]]),
    );
    assert.equal(results[1]?.message, problem);
    const { bucket, prefix } = chunking.task.collections.at(-1)!;
    // Nobody knows when copying began, if it did; a copy was there when it was made, and all else with the end of the job.
    const { createdAt } = (await test.storage.objects.stat({ bucket, name: `${prefix}a` }))!;
    assert.deepEqual(
      results.map(({ history }) => history),
      [[{ state: 'Completed', at: createdAt }], [{ state: 'Failed', at: 900 }], [{ state: 'Cancelled', at: 900 }]],
    );
    assert.deepEqual(await settle(chunking), { unresolved: 0, copied: 0, next: null });
  });

  it('cancels what is planned of a job that was not decided: where it is, the record does not tell yet', async () => {
    const chunking = await prepareChunk(test, { files: { a: {}, b: { problem: 'INVALID_REQUEST: no' } } });
    await chunking.putDestination('a', 'content of a');
    await recorded(chunking, { collections: [] });
    assert.deepEqual(await settle(chunking), { unresolved: 2, copied: 0, next: null });
    assert.deepEqual(await chunking.states(), { a: 'Cancelled', b: 'Failed' });
    assert.match((await chunking.record('a')).message, /^TERMINATED: /);
  });

  it('looks for nothing where no copy was ever ordered, though others have made the same since', async () => {
    const chunking = await prepareChunk(test, { files: { a: {} } });
    await recorded(chunking);
    await chunking.putDestination('a', 'content of a');
    assert.deepEqual(await settle(chunking, false), { unresolved: 1, copied: 0, next: null });
    assert.deepEqual(await chunking.states(), { a: 'Cancelled' });
  });

  it('does not take for its own what others held, and have written the same', async () => {
    const chunking = await prepareChunk(test, { files: { a: {}, b: {} } });
    const [{ prefix } = assert.fail()] = chunking.task.collections;
    const held = [{ bucket: test.destinationBucket, name: `${prefix}a` }];
    await recorded(chunking, { lockedPlaces: await test.storage.lockedPlaces.keep(chunking.correlationId, held) });
    for (const name of ['a', 'b']) await chunking.putDestination(name, `content of ${name}`);
    assert.deepEqual(await settle(chunking), { unresolved: 2, copied: 1, next: null });
    assert.deepEqual(await chunking.states(), { a: 'Skipped', b: 'Completed' });
    assert.match((await chunking.record('a')).message, /^FILE_LOCKED: /);
  });
});
