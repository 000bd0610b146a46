import assert from 'node:assert/strict';
import { CancelledFailure } from '@temporalio/common';
import { bulkRequest, chunksOf, COLLECTION, copied, MANIFEST, passes, withBulkJobs } from './bulk-support.ts';
import { failed, failedForGood, gate, replaceActivities, untilCancelled } from './replaced-activities.ts';
import { eventually } from './support.ts';

describe('controlling a bulk job', () => {
  it('pauses it: what is in flight says what is left, and that is gone on with first', async () => {
    const { passed, open } = gate();
    let isFirst = true;
    const replaced = replaceActivities({
      ...chunksOf(20),
      async copyChunk({ chunk, only }) {
        if (chunk > 0 || !isFirst) return copied(only?.length ?? 10);
        isFirst = false;
        await untilCancelled(passed);
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      // The one that is to be stopped: it is not always the first to be begun.
      await eventually(() => replaced.tasksOf('copyChunk').some(({ chunk }) => chunk === 0));
      await job.handle.signal('pause');
      await eventually(async () => (await job.status()).state === 'Paused');
      await eventually(async () => (await job.status()).counts.completed >= 4);
      const before = passes(replaced).length;
      await job.handle.signal('resume');
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.pending], ['Completed', 200, 0]);
      const [rest, ...others] = passes(replaced)
        .slice(before)
        .filter(({ chunk }) => chunk === 0);
      assert.deepEqual([rest, others], [{ chunk: 0, part: 1, only: [4, 5, 6, 7, 8, 9] }, []]);
      open();
    });
  });

  it('cancels it: nothing more is begun, and what has no end counts as cancelled', async () => {
    const replaced = replaceActivities({
      ...chunksOf(20),
      async copyChunk() {
        await untilCancelled();
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 16);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.equal(counts.completed, 64);
      assert.equal(counts.cancelled, counts.requested - 64);
      assert.equal(counts.pending, 0);
      assert.equal(replaced.tasksOf('copyChunk').length, 16);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });
});

describe('a bulk job that is paused', () => {
  it('as its list is read goes on reading, and is paused then', async () => {
    const door = gate();
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      admitBulk: (task) => door.passed.then(() => willing.admitBulk(task)),
      copyChunk: ({ chunk }) => Promise.resolve(copied(chunk === 2 ? 5 : 10)),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      await job.handle.signal('pause');
      door.open();
      await eventually(async () => (await job.status()).state === 'Paused');
      assert.equal(replaced.tasksOf('copyChunk').length, 0);
      await job.handle.signal('resume');
      assert.equal((await job.result()).state, 'Completed');
    });
  });

  it('as a worker is lost finds out what that had copied, and goes on with the rest', async () => {
    const lost = gate();
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ only }) {
        if (only !== undefined) return copied(only.length);
        await untilCancelled();
        await lost.passed;
        throw new CancelledFailure('nobody knows what it did');
      },
      findCopies: () => Promise.resolve(copied(4, [4, 5, 6, 7, 8, 9])),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.handle.signal('pause');
      await eventually(async () => (await job.status()).state === 'Paused');
      lost.open();
      await eventually(async () => (await job.status()).counts.completed === 4);
      const { state, underWay } = await job.status();
      assert.deepEqual([state, underWay], ['Paused', undefined]);
      assert.deepEqual(
        replaced.tasksOf('findCopies').map(({ chunk, part, isUncertain }) => [chunk, part, isUncertain]),
        [[0, 0, true]],
      );
      await job.handle.signal('resume');
      const { counts } = await job.result();
      assert.deepEqual([counts.completed, counts.pending], [10, 0]);
      assert.deepEqual(passes(replaced).at(-1), { chunk: 0, part: 1, only: [4, 5, 6, 7, 8, 9] });
    });
  });

  it('as a retry is lost goes on telling why it is made, until it has been', async () => {
    const [retry, rest] = [gate(), gate()];
    const replaced = replaceActivities({
      ...chunksOf(2),
      async copyChunk({ chunk, part, only }) {
        if (chunk === 1) await rest.passed;
        else if (part === 0) return copied(8, [8, 9]);
        else if (part === 1) {
          await untilCancelled();
          throw new CancelledFailure('nobody knows what it did');
        } else await retry.passed;
        return copied(only?.length ?? 10);
      },
      findCopies: () => Promise.resolve(copied(0, [8, 9])),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const hasBegun = (wanted: number) =>
        eventually(() => replaced.tasksOf('copyChunk').some(({ chunk, part }) => chunk === 0 && part === wanted));
      await hasBegun(1);
      await job.handle.signal('pause');
      await eventually(() => replaced.tasksOf('findCopies').length === 1);
      await job.handle.signal('resume');
      await hasBegun(2);
      rest.open();
      await eventually(async () => (await job.status()).counts.completed === 18);
      assert.match((await job.status()).message, /^STORAGE_UNAVAILABLE: no answer/);
      retry.open();
      const { counts, message } = await job.result();
      assert.deepEqual([counts.completed, message], [20, '']);
    });
  });

  it('looks once at what cannot be found out, and leaves that to the next pass', async () => {
    let isFirst = true;
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk() {
        if (!isFirst) return copied(10);
        isFirst = false;
        await untilCancelled();
        throw new CancelledFailure('nobody knows what it did');
      },
      findCopies: () => Promise.reject(failedForGood('INTERNAL_ERROR', 'the chunk is gone')),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.handle.signal('pause');
      await eventually(() => replaced.tasksOf('findCopies').length === 1);
      await job.handle.signal('resume');
      const { counts } = await job.result();
      assert.equal(counts.completed, 10);
      assert.deepEqual(replaced.tasksOf('copyChunk').at(-1)?.isUncertain, true);
      assert.equal(replaced.tasksOf('findCopies').length, 1);
    });
  });

  it('as planning is lost plans on from there when it goes on', async () => {
    const listing = chunksOf(2);
    let asked = 0;
    const replaced = replaceActivities({
      ...listing,
      async planListing(task) {
        if (++asked !== 2) return await listing.planListing(task);
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => asked === 2);
      await job.handle.signal('pause');
      await eventually(async () => (await job.status()).state === 'Paused');
      await job.handle.signal('resume');
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed], ['Completed', 20]);
    });
  });
});
