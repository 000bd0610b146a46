import assert from 'node:assert/strict';
import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { emptyCounts } from '../../contract/states.ts';
import {
  completed,
  failed,
  gate,
  othersHold,
  replaceActivities,
  untilCancelled,
  type Replaced,
} from './replaced-activities.ts';
import { eventually, fileNames, requestFor, withJobs, type Job, type Jobs } from './support.ts';

const NOT_COPIED = 'CANCELLED: the job was cancelled before the file was copied';

/** What a copy returns that heard of the cancellation before it wrote. */
function cancelledCopy() {
  return completed({ state: 'Cancelled', message: NOT_COPIED, size: null, crc32c: null, generation: null });
}

function begun({ story }: Replaced, name: string): number {
  return story.filter((line) => line.startsWith(`begin ${name}`)).length;
}

/** The end that everything has that held locks. */
async function assertCleanEnd(replaced: Replaced, job: Job): Promise<void> {
  const { story } = replaced;
  assert.equal(begun(replaced, 'releaseLocks'), 1, 'the locks are released');
  assert.ok(story.lastIndexOf('end releaseLocks') < story.indexOf('begin closeRecord'), 'before the record is closed');
  assert.equal(begun(replaced, 'closeRecord'), 1);
  assert.deepEqual(replaced.tasksOf('closeRecord')[0]?.status, await job.status());
  const stored = replaced.tasksOf('saveResults').flatMap(({ files }) => files);
  assert.equal(stored.length, (await job.status()).counts.requested, 'and every file is in the record');
}

async function assertCanceled(job: Job): Promise<void> {
  await assert.rejects(
    job.result(),
    (error: unknown) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
  );
  assert.equal((await job.handle.describe()).status.name, 'CANCELLED');
}

describe('cancelling copyFiles', () => {
  it('before anything is decided copies nothing and gives back what it locked; the request counts as accepted', async () => {
    const replaced = replaceActivities();
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a', 'b'));
      const admitted = job.admitted();
      await job.cancel();
      await jobs.worker.start();
      assert.deepEqual((await admitted).admission, { decision: 'accepted' });
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.deepEqual(counts, { ...emptyCounts(2), cancelled: 2, pending: 0 });
      const { files } = await job.files();
      assert.deepEqual(
        files.map(({ fileName, state, message }) => [fileName, state, message]),
        [
          ['a', 'Cancelled', NOT_COPIED],
          ['b', 'Cancelled', NOT_COPIED],
        ],
      );
      for (const name of ['copyFile', 'findCopy']) assert.equal(begun(replaced, name), 0);
      assert.equal(replaced.tasksOf('releaseLocks')[0]?.locks.length, 2);
      assert.equal(begun(replaced, 'closeRecord'), 1);
      assert.equal(replaced.tasksOf('saveResults')[0]?.files.length, 2);
    };
    await withJobs(replaced, useJobs, { started: false });
  });

  it('before anything is decided does not make a request accepted whose caller has no access', async () => {
    const admission = { decision: 'forbidden' as const, message: 'ACCESS_DENIED: no' };
    const replaced = replaceActivities({ checkAccess: () => Promise.resolve({ granted: false, admission }) });
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a'));
      const admitted = job.admitted();
      await job.cancel();
      await jobs.worker.start();
      assert.deepEqual((await admitted).admission, admission);
      assert.equal((await job.result()).state, 'Rejected');
    };
    await withJobs(replaced, useJobs, { started: false });
  });

  it('while the locks are being taken copies nothing, and gives them back', async () => {
    const { passed, open } = gate();
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({ takeLocks: (task) => passed.then(() => willing.takeLocks(task)) });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestFor(...fileNames(101)));
      await eventually(() => begun(replaced, 'takeLocks') === 1);
      await job.cancel();
      await eventually(async () => (await job.status()).state === 'Cancelling');
      const { admitted } = await job.ask();
      open();
      assert.deepEqual((await admitted()).admission, { decision: 'accepted' });
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.deepEqual(counts, { ...emptyCounts(101), cancelled: 101, pending: 0 });
      assert.equal(begun(replaced, 'copyFile'), 0);
      assert.equal(replaced.tasksOf('releaseLocks')[0]?.locks.length, 101);
      await assertCleanEnd(replaced, job);
    });
  });

  it('while the locks are being taken leaves a request that is refused refused', async () => {
    const { passed, open } = gate();
    const files = [{ collectionId: 'to', fileName: 'file-0000' }];
    const replaced = replaceActivities({ takeLocks: () => passed.then(() => othersHold(files)) });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestFor(...fileNames(101)));
      await eventually(() => begun(replaced, 'takeLocks') === 1);
      await job.cancel();
      const { admitted } = await job.ask();
      open();
      assert.deepEqual((await admitted()).admission, { decision: 'locked', files });
      assert.equal((await job.result()).state, 'Rejected');
    });
  });

  it('with copies in flight waits for them, and takes what they return as what is true', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({
      copyFile: async ({ source }) => {
        await untilCancelled();
        await passed;
        return source.name === 'late' ? completed() : cancelledCopy();
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('late', 'stopped'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.cancel();
      await eventually(async () => (await job.status()).state === 'Cancelling');
      assert.deepEqual(await job.states(), { late: 'Processing', stopped: 'Processing' });
      assert.equal(begun(replaced, 'releaseLocks'), 0, 'no lock is given back before every copy has answered');
      open();
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.deepEqual(counts, { ...emptyCounts(2), completed: 1, cancelled: 1, pending: 0, bytes: 7 });
      assert.deepEqual(await job.states(), { late: 'Completed', stopped: 'Cancelled' });
      assert.equal(begun(replaced, 'findCopy'), 0, 'nothing is in doubt');
      await assertCleanEnd(replaced, job);
    });
  });

  it('starts no further copy', async () => {
    const replaced = replaceActivities({ copyFile: () => untilCancelled(undefined, 1_000).then(cancelledCopy) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor(...fileNames(150)));
      await eventually(() => begun(replaced, 'copyFile') === 100);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.deepEqual(counts, { ...emptyCounts(150), cancelled: 150, pending: 0 });
      assert.equal(begun(replaced, 'copyFile'), 100);
      const last = (await job.files({ from: 149 })).files[0];
      assert.deepEqual([last?.state, last?.message], ['Cancelled', NOT_COPIED]);
      assert.deepEqual(
        last?.history.map(({ state: step }) => step),
        ['Requested', 'Cancelled'],
      );
      await assertCleanEnd(replaced, job);
    });
  });

  it('looks for the files whose copying did not live to say what it did', async () => {
    const replaced = replaceActivities({
      copyFile: () => untilCancelled().then(() => Context.current().cancelled),
      findCopy: ({ destination }) => Promise.resolve(destination.name === 'written' ? completed() : null),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('written', 'missing'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.cancel();
      await job.result();
      assert.deepEqual(await job.states(), { written: 'Completed', missing: 'Cancelled' });
      await assertCleanEnd(replaced, job);
    });
  });

  it('cancels a file whose copying no worker had begun', async () => {
    const replaced = replaceActivities({ copyFile: () => untilCancelled().then(() => completed()) });
    const useJobs = async (jobs: Jobs) => {
      const { job } = await jobs.admit(requestFor('one', 'other'));
      await eventually(() => begun(replaced, 'copyFile') === 1);
      await job.cancel();
      const { counts } = await job.result();
      assert.deepEqual(counts, { ...emptyCounts(2), completed: 1, cancelled: 1, pending: 0, bytes: 7 });
      assert.equal(begun(replaced, 'copyFile'), 1);
      assert.equal(begun(replaced, 'findCopy'), 1, 'an earlier attempt, of a lost worker, may have written');
      await assertCleanEnd(replaced, job);
    };
    await withJobs(replaced, useJobs, { slots: 1 });
  });

  it('does not wait for the next attempt of a copy that failed', async () => {
    const replaced = replaceActivities({
      copyFile: () => Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer')),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.cancel();
      assert.equal((await job.result()).state, 'Cancelled');
      assert.ok(begun(replaced, 'copyFile') <= 3);
      assert.equal(begun(replaced, 'findCopy'), 1);
    });
  });

  it('makes a file Cancelled whose copy would have been tried again, and Failed where that could not have helped', async () => {
    const replaced = replaceActivities({
      copyFile: ({ source }) =>
        untilCancelled().then(() => {
          throw source.name === 'lost'
            ? failed('WORKER_LOST', 'the worker is shutting down')
            : failed('LOCK_LOST', 'the lock was broken');
        }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('lost', 'broken'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.cancel();
      assert.equal((await job.result()).state, 'Cancelled');
      const { files } = await job.files();
      assert.deepEqual(
        files.map(({ fileName, state, message }) => [fileName, state, message]),
        [
          ['lost', 'Cancelled', NOT_COPIED],
          ['broken', 'Failed', 'LOCK_LOST: the lock was broken'],
        ],
      );
    });
  });

  it('once everything is copied changes nothing: the job ends Completed', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ releaseLocks: () => passed });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor(...fileNames(101)));
      await eventually(() => begun(replaced, 'releaseLocks') === 1);
      await job.cancel();
      await eventually(async () => (await job.status()).state === 'Cancelling');
      open();
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.equal(counts.completed, 101);
      await assertCleanEnd(replaced, job);
    });
  });

  it('twice is the same as once', async () => {
    const replaced = replaceActivities({ copyFile: () => untilCancelled().then(cancelledCopy) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => begun(replaced, 'copyFile') === 1);
      await Promise.all([job.cancel(), job.cancel()]);
      assert.equal((await job.result()).state, 'Cancelled');
      await assertCleanEnd(replaced, job);
    });
  });

  it('by Temporal does the same, and ends the workflow as cancelled', async () => {
    const replaced = replaceActivities({
      copyFile: ({ source }) => untilCancelled().then(() => (source.name === 'late' ? completed() : cancelledCopy())),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('late', 'stopped'));
      await eventually(() => begun(replaced, 'copyFile') === 2);
      await job.handle.cancel();
      await assertCanceled(job);
      assert.equal((await job.status()).state, 'Cancelled');
      assert.deepEqual(await job.states(), { late: 'Completed', stopped: 'Cancelled' });
      await assertCleanEnd(replaced, job);
    });
  });

  it('by Temporal and by signal at once is the same as once', async () => {
    const replaced = replaceActivities({ copyFile: () => untilCancelled().then(cancelledCopy) });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => begun(replaced, 'copyFile') === 1);
      await Promise.all([job.cancel(), job.handle.cancel()]);
      await assertCanceled(job);
      await assertCleanEnd(replaced, job);
    });
  });

  it('by Temporal before a worker has seen the job copies nothing, and still answers the admission', async () => {
    const replaced = replaceActivities();
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a'));
      const admitted = job.admitted();
      await job.handle.cancel();
      await jobs.worker.start();
      assert.deepEqual((await admitted).admission, { decision: 'accepted' });
      await assertCanceled(job);
      assert.equal(begun(replaced, 'copyFile'), 0);
      for (const name of ['releaseLocks', 'closeRecord']) assert.equal(begun(replaced, name), 1);
      assert.equal((await job.status()).state, 'Cancelled');
    };
    await withJobs(replaced, useJobs, { started: false });
  });

  it('by Temporal once everything is copied changes nothing: the workflow completes', async () => {
    const { passed, open } = gate();
    const replaced = replaceActivities({ releaseLocks: () => passed });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor(...fileNames(101)));
      await eventually(() => begun(replaced, 'releaseLocks') === 1);
      await job.handle.cancel();
      await eventually(async () => (await job.status()).state === 'Cancelling');
      open();
      assert.equal((await job.result()).state, 'Completed');
      assert.equal((await job.handle.describe()).status.name, 'COMPLETED');
      await assertCleanEnd(replaced, job);
    });
  });

  it('by Temporal leaves a request that is refused refused', async () => {
    const { passed, open } = gate();
    const files = [{ collectionId: 'to', fileName: 'file-0000' }];
    const replaced = replaceActivities({ takeLocks: () => passed.then(() => othersHold(files)) });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestFor(...fileNames(101)));
      await eventually(() => begun(replaced, 'takeLocks') === 1);
      await job.handle.cancel();
      open();
      assert.equal((await job.result()).state, 'Rejected');
    });
  });
});
