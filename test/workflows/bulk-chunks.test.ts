import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobStatus } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, outOfTime, passes, withBulkJobs } from './bulk-support.ts';
import { failed, gate, replaceActivities, untilCancelled } from './replaced-activities.ts';
import { eventually } from './support.ts';

/** Indices of the files of the first chunk. */
const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('a chunk', () => {
  it('that leaves files over is gone on with later, as a further part, with these files only', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ part }) => Promise.resolve(part === 0 ? copied(8, [3, 4]) : copied(2)),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.completed, message], ['Completed', 10, '']);
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 1, only: [3, 4] },
      ]);
    });
  });

  it('of which nothing comes to its end at first is gone on with as a further part: the empty one is stored', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ part }) => Promise.resolve(part === 0 ? copied(0, TEN) : copied(10)),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 1, only: TEN },
      ]);
    });
  });

  it('that has no time for all of its files is gone on with at once, however often, and counts as tried not once', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ part, only }) => Promise.resolve(part < 20 ? outOfTime(0, only ?? TEN) : copied(10)),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION, { maxFilesPerSecond: 0.001 }));
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.completed, message], ['Completed', 10, '']);
      const tasks = replaced.tasksOf('copyChunk');
      assert.deepEqual(
        tasks.map(({ part }) => part),
        Array.from({ length: 21 }, (_, part) => part),
      );
      assert.ok(
        tasks.every(({ tries, lastTry, isUncertain }) => tries === 0 && lastTry !== true && isUncertain !== true),
      );
      const { events } = await job.handle.fetchHistory();
      assert.ok(!events?.some(({ timerStartedEventAttributes }) => timerStartedEventAttributes));
    });
  });

  it('that has no time for all of its files tells no reason, not even one that is over', async () => {
    const door = gate();
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ part }) {
        if (part === 0) return copied(1, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        if (part === 1) return { ...outOfTime(1, [2, 3, 4, 5, 6, 7, 8, 9]), reason: 'STORAGE_UNAVAILABLE: 503' };
        if (part === 2) return outOfTime(1, [3, 4, 5, 6, 7, 8, 9]);
        await door.passed;
        return copied(7);
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION, { maxFilesPerSecond: 1 }));
      await eventually(() => replaced.tasksOf('copyChunk').length === 4);
      const { counts, message } = await job.status();
      assert.deepEqual([counts.completed, message], [3, '']);
      door.open();
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(
        replaced.tasksOf('copyChunk').map(({ tries }) => tries),
        [0, 1, 1, 1],
      );
    });
  });

  it('whose activity is lost is tried again as the same part', async () => {
    let tries = 0;
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: () => (++tries === 1 ? Promise.reject(failed('LOCK_LOST', 'gone')) : Promise.resolve(copied(10))),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 0 },
      ]);
    });
  });

  it('has its share of the rate of its job', async () => {
    const replaced = replaceActivities(chunksOf(2));
    await withBulkJobs(replaced, async (jobs) => {
      for (const [maxFilesPerSecond, share] of [
        [100, 100],
        [2_000, 500],
      ] as const) {
        const { job } = await jobs.admit(bulkRequest(COLLECTION, { maxFilesPerSecond }));
        await job.result();
        assert.deepEqual(
          replaced
            .tasksOf('copyChunk')
            .filter(({ correlationId }) => correlationId === job.id)
            .map(({ filesPerSecond }) => filesPerSecond),
          [share, share],
        );
      }
    });
  });
});

describe('a chunk that no activity can say anything of', () => {
  const lost = failed('INTERNAL_ERROR', 'chunk 1 was not planned');

  it('is given up in the end: its files have failed, the others are copied', async () => {
    const replaced = replaceActivities({ ...chunksOf(0), copyChunk: () => Promise.reject(lost) });
    await withBulkJobs(replaced, async (jobs) => {
      // A job that goes on from where there were as many passes over its second chunk as there may be.
      const input = bulkRequest(COLLECTION);
      const { caller } = input.requestor;
      const counts = { ...emptyCounts(20), completed: 10, pending: 10 };
      const status = { correlationId: 'any', state: 'Processing', counts, startedAt: 1, endedAt: null, message: '' };
      const outcome = { caller, digest: input.digest, requested: null, admission: { decision: 'accepted' } };
      const left = [{ chunk: 1, part: 0, tries: 13 }];
      const carried = {
        ...{ book: { status, isPaused: false, outcome, collections: [] }, locks: [] },
        copying: { queue: { planned: 2, next: 2, left }, cursor: null },
      };
      const { taskQueue } = jobs.worker;
      const { handle } = await jobs.other('copyFiles', {
        ...{ workflowId: randomUUID(), taskQueue, args: [input, carried] },
      });
      const ended = (await handle.result()) as JobStatus;
      assert.deepEqual([ended.state, ended.counts.completed, ended.counts.failed], ['CompletedWithErrors', 10, 10]);
      assert.match(ended.message, /^INTERNAL_ERROR: chunk 1/);
      assert.equal(replaced.tasksOf('copyChunk').length, 1);
    });
  });

  it('does not keep a job from being cancelled', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ settle }) {
        if (settle !== true) await untilCancelled();
        throw lost;
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.cancel();
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.cancelled, counts.pending], ['Cancelled', 10, 0]);
      assert.match(message, /^INTERNAL_ERROR: chunk 1/);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });
});
