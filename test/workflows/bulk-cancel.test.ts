import assert from 'node:assert/strict';
import { CancelledFailure } from '@temporalio/common';
import type { JobStatus } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, MANIFEST, withBulkJobs } from './bulk-support.ts';
import { failed, gate, replaceActivities, untilCancelled, type Replaced } from './replaced-activities.ts';
import { eventually, withJobs, type Job, type Jobs } from './support.ts';

describe('a bulk job that is cancelled while it is listed', () => {
  for (const [what, chunks, completed] of [
    ['and nothing is listed yet', 0, 0],
    ['and all is copied that is', 1, 10],
  ] as const) {
    it(`is Cancelled, and says so, where files were not listed: ${what}`, async () => {
      const listing = gate();
      const first = chunksOf(1);
      const replaced = replaceActivities({
        ...first,
        async planListing(task) {
          if (task.cursor === null && chunks === 1) {
            return { ...(await first.planListing(task)), cursor: { startOffset: 'm', nextChunk: 1, nextIndex: 10 } };
          }
          await listing.passed;
          return { chunks: [], cursor: { startOffset: 'm', nextChunk: chunks, nextIndex: completed } };
        },
      });
      await withBulkJobs(replaced, async (jobs) => {
        const { job } = await jobs.admit(bulkRequest(COLLECTION));
        await eventually(async () => (await job.status()).counts.completed === completed);
        await eventually(() => replaced.tasksOf('planListing').length === chunks + 1);
        await job.cancel();
        listing.open();
        const { state, counts, message } = await job.result();
        assert.deepEqual([state, counts.completed, counts.pending], ['Cancelled', completed, 0]);
        assert.match(message, /^CANCELLED: .* before all files under the prefix were listed$/);
        const [closed] = replaced.tasksOf('closeRecord');
        assert.deepEqual([closed?.status.state, closed?.isCutShort], ['Cancelled', true]);
      });
    });
  }
});

describe('a bulk job that is cancelled', () => {
  /** Cancels a job, which is to end at once, and gives what it came to. */
  async function cancelled(job: Job): Promise<JobStatus> {
    await job.cancel();
    const status = await job.result();
    const events = await job.events();
    const cancelledAt = events.findIndex((event) => event.workflowExecutionSignaledEventAttributes);
    for (const event of events.slice(cancelledAt)) {
      assert.ok(!event.timerFiredEventAttributes, 'it waits for no pause');
      assert.ok(!event.activityTaskTimedOutEventAttributes, 'it waits for no time-out');
      assert.equal(event.activityTaskStartedEventAttributes?.attempt ?? 1, 1, 'it waits for no further attempt');
    }
    return status;
  }

  it('while its source is listed, and chunks of it are copied, ends at once', async () => {
    const first = chunksOf(30);
    const replaced = replaceActivities({
      ...first,
      async planListing(task) {
        if (task.cursor === null) return await first.planListing({ ...task, maxChunks: 12 });
        await untilCancelled();
        return { chunks: [], cursor: task.cursor };
      },
      async copyChunk({ settle }) {
        if (settle === true) return { ...copied(0), counts: { ...copied(0).counts, count: 10, cancelled: 10 } };
        await untilCancelled();
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
      countPlanned: () => Promise.resolve(20),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('planListing').length === 2 && replaced.tasksOf('copyChunk').length > 0);
      const { state, counts, message } = await cancelled(job);
      assert.deepEqual([state, counts.requested, counts.pending], ['Cancelled', 140, 0]);
      assert.equal(counts.completed + counts.cancelled, 140);
      assert.match(message, /^CANCELLED: .* before all files under the prefix were listed$/);
      assert.deepEqual(replaced.tasksOf('countPlanned'), [{ correlationId: job.id, from: 12 }]);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });

  it('while planning is to be tried again ends at once, and counts what it had planned by then', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      planListing: () => Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer', { nextRetryDelay: '1 hour' })),
      countPlanned: () => Promise.resolve(10),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => {
        const [planning] = (await job.handle.describe()).raw.pendingActivities ?? [];
        return planning?.lastFailure;
      });
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(10), cancelled: 10, pending: 0 }]);
    });
  });

  it('as planning is lost is Cancelled all the same: what could not be listed then has not failed', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async planListing() {
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('planListing').length === 1);
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', emptyCounts(0)]);
    });
  });

  /** An activity that reads a list, and says nothing of it once it is cancelled. */
  const reading = async (): Promise<never> => {
    await untilCancelled();
    throw new CancelledFailure('the job was cancelled meanwhile');
  };

  it('while its list is read ends at once: nothing is locked, and what was planned is cancelled', async () => {
    const replaced = replaceActivities({
      admitBulk: reading,
      giveUpAdmission: () => Promise.resolve({ verdict: 'givenUp', planned: 2_000, recordGeneration: '7' }),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { admitted } = await job.ask();
      const { state, counts, message } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(2_000), cancelled: 2_000, pending: 0 }]);
      assert.equal(message, 'CANCELLED: the job was cancelled before its request was decided');
      const { admission, requested } = await admitted();
      assert.deepEqual([admission, requested], [{ decision: 'accepted' }, 2_000]);
      const [closing] = replaced.tasksOf('closeRecord');
      assert.deepEqual([closing?.status.state, closing?.recordGeneration], ['Cancelled', '7']);
      assert.ok(!replaced.story.includes('begin copyChunk'));
    });
  });

  it('by Temporal while its list is read does the same, and ends the workflow as cancelled', async () => {
    const replaced = replaceActivities({ admitBulk: reading });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      await job.handle.cancel();
      await assert.rejects(job.result());
      assert.equal((await job.handle.describe()).status.name, 'CANCELLED');
      assert.equal(replaced.tasksOf('closeRecord')[0]?.status.state, 'Cancelled');
    });
  });

  it('before its list is read does not have it read', async () => {
    const replaced = replaceActivities({ admitBulk: reading });
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await job.cancel();
      await jobs.worker.start();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts], ['Cancelled', emptyCounts(0)]);
      assert.deepEqual([replaced.tasksOf('admitBulk').length, replaced.tasksOf('giveUpAdmission').length], [0, 1]);
    };
    await withJobs(replaced, useJobs, { started: false, bulk: true });
  });

  it('while its list is read, by an id that another job has, tells the end of that one', async () => {
    const counts = { ...emptyCounts(1), completed: 1, pending: 0, bytes: 7 };
    const replaced = replaceActivities({
      admitBulk: reading,
      giveUpAdmission: ({ owner: { correlationId } }) =>
        Promise.resolve({
          verdict: 'taken',
          outcome: { caller: 'bob', digest: 'e'.repeat(64), requested: 1, admission: { decision: 'accepted' } },
          status: { correlationId, state: 'Completed', counts, startedAt: 1, endedAt: 2, message: '' },
        }),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { state, endedAt } = await cancelled(job);
      assert.deepEqual([state, endedAt], ['Completed', 2]);
      assert.equal(replaced.tasksOf('closeRecord').length, 0);
    });
  });

  it('just as its list is admitted gives the locks back', async () => {
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      async admitBulk(task) {
        await untilCancelled();
        return await willing.admitBulk(task);
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(25), cancelled: 25, pending: 0 }]);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      assert.equal(replaced.tasksOf('copyChunk').length, 0);
    });
  });

  it('and refused in the same breath stays refused', async () => {
    const admission = { decision: 'forbidden' as const, message: 'ACCESS_DENIED: no' };
    const replaced = replaceActivities({
      async admitBulk() {
        await untilCancelled();
        return { verdict: 'refused', admission, recordGeneration: '3000' };
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      assert.equal((await cancelled(job)).state, 'Rejected');
    });
  });
});

describe('a chunk of a job that is cancelled', () => {
  type Pass = [part: number, only: number[] | undefined, settle: boolean, isUncertain: boolean];
  const told = (replaced: Replaced) =>
    replaced
      .tasksOf('copyChunk')
      .map(({ part, only, settle = false, isUncertain = false }): Pass => [part, only, settle, isUncertain]);

  for (const [what, flag] of [
    ['whose result is that of another attempt', 'isAnothers'],
    ['that had sent what was not answered', 'isUncertain'],
  ] as const) {
    it(`${what} is looked at, file by file: what was left over may be copied`, async () => {
      const replaced = replaceActivities({
        ...chunksOf(1),
        async copyChunk({ settle, only = [] }) {
          if (settle === true) return copied(only.length);
          await untilCancelled();
          return { ...copied(7, [7, 8, 9]), [flag]: true };
        },
      });
      await withBulkJobs(replaced, async (jobs) => {
        const { job } = await jobs.admit(bulkRequest(COLLECTION));
        await eventually(() => replaced.tasksOf('copyChunk').length === 1);
        await job.cancel();
        const { state, counts } = await job.result();
        assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
        assert.deepEqual(told(replaced), [
          [0, undefined, false, false],
          [1, [7, 8, 9], true, true],
        ]);
      });
    });
  }

  it('that waits to be tried again, having sent what was not answered, is looked at', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ part, settle, only = [] }) {
        if (settle === true) return copied(only.length);
        if (part === 0) return { ...copied(7, [7, 8, 9]), isUncertain: true };
        // The pause of a second was over first.
        await untilCancelled();
        return { ...copied(0, only), isUncertain: true };
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => (await job.status()).counts.completed === 7);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
      assert.deepEqual(told(replaced).at(-1)?.slice(1), [[7, 8, 9], true, true]);
    });
  });

  it('that nobody can say of what it did is looked at until every file has its end', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ settle, only }) {
        if (settle === true) return only === undefined ? copied(6, [6, 7, 8, 9]) : copied(only.length);
        await untilCancelled();
        throw failed('LOCK_LOST', 'gone');
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
      assert.deepEqual(told(replaced), [
        [0, undefined, false, false],
        [0, undefined, true, true],
        [1, [6, 7, 8, 9], true, true],
      ]);
    });
  });
});
