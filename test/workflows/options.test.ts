import assert from 'node:assert/strict';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { CopyFilesInput, CopyOptions } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { completed, othersHold, replaceActivities, type Replaced } from './replaced-activities.ts';
import { eventually, fileNames, requestFor, withJobs } from './support.ts';

const HELD = [{ collectionId: 'to', fileName: 'b' }];

function requestWith(options: Partial<CopyOptions>, ...names: string[]): CopyFilesInput {
  const input = requestFor(...names);
  Object.assign(input.request.options, options);
  return input;
}

function begun({ story }: Replaced, name: string): number {
  return story.filter((line) => line.startsWith(`begin ${name}`)).length;
}

describe('copyFiles with onLocked "wait"', () => {
  it('says who holds the files while it waits, and goes on once they are free', async () => {
    let isFree = false;
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      takeLocks: (task) => (isFree ? willing.takeLocks(task) : Promise.resolve(othersHold(HELD))),
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestWith({ onLocked: 'wait' }, 'a', 'b'));
      await eventually(() => begun(replaced, 'takeLocks') === 1);
      const { state, message } = await eventually(async () => {
        const status = await job.status();
        return status.message === '' ? undefined : status;
      });
      assert.equal(state, 'Requested');
      assert.equal(message, 'FILE_LOCKED: waiting for 1 file locked by job 00000000-0000-4000-8000-000000000000');
      assert.equal((await job.files()).totalCount, 0, 'it is not decided yet');
      isFree = true;
      assert.deepEqual((await job.admitted()).admission, { decision: 'accepted' });
      const result = await job.result();
      assert.deepEqual([result.state, result.message], ['Completed', '']);
    });
  });

  it('is refused where access was withdrawn in the meantime', async () => {
    const admission = { decision: 'forbidden' as const, message: 'ACCESS_DENIED: not any more' };
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      checkAccess: (task) =>
        begun(replaced, 'checkAccess') === 1
          ? willing.checkAccess(task)
          : Promise.resolve({ granted: false, admission }),
      takeLocks: () => Promise.resolve(othersHold(HELD)),
    });
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestWith({ onLocked: 'wait' }, 'a', 'b'));
      assert.deepEqual(outcome.admission, admission);
      assert.equal((await job.result()).state, 'Rejected');
      assert.equal(begun(replaced, 'takeLocks'), 1);
    });
  });

  it('can be cancelled at once', async () => {
    const replaced = replaceActivities({ takeLocks: () => Promise.resolve(othersHold(HELD)) });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestWith({ onLocked: 'wait' }, 'a', 'b'));
      await eventually(async () => (await job.status()).message !== '');
      await job.cancel();
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.deepEqual(counts, { ...emptyCounts(2), cancelled: 2, pending: 0 });
      for (const name of ['copyFile', 'releaseLocks']) assert.equal(begun(replaced, name), 0);
    });
  });
});

describe('copyFiles with maxFilesPerSecond', () => {
  it('begins its files at that rate', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const { job } = await jobs.admit(requestWith({ maxFilesPerSecond: 5 }, 'a', 'b', 'c', 'd'));
      assert.equal((await job.result()).state, 'Completed');
      const events = await job.events();
      const timers = events.flatMap(({ timerStartedEventAttributes: timer }) =>
        timer ? tsToMs(timer.startToFireTimeout) : [],
      );
      // Results that are to be stored set one more.
      assert.deepEqual(timers.slice(0, 3), [200, 400, 600]);
      let begun = 0;
      let due = 1;
      for (const { timerFiredEventAttributes, activityTaskScheduledEventAttributes } of events) {
        if (timerFiredEventAttributes) due += 1;
        if (activityTaskScheduledEventAttributes) begun += 1;
        assert.ok(begun <= due, 'none before its time');
      }
      assert.equal(begun, 4);
    });
  });
});

describe('copyFiles with a rate that is not taken any more, as no second turn ever came', () => {
  it('copies its first file, answers, and can be cancelled', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const { job } = await jobs.admit(requestWith({ maxFilesPerSecond: Number.MIN_VALUE }, 'a', 'b', 'c'));
      await eventually(async () => (await job.status()).counts.completed === 1);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.cancelled], ['Cancelled', 1, 2]);
    });
  });
});

describe('copyFiles with onLocked "skip"', () => {
  it('does without the files that others hold, and releases only what it held', async () => {
    const replaced = replaceActivities({
      takeLocks: ({ entries, skipLocked }) => {
        assert.equal(skipLocked, true);
        const locks = entries.map(({ fileName }) => (fileName === 'b' ? null : { generation: '5', createdAt: 1 }));
        return Promise.resolve({ locked: true, locks });
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestWith({ onLocked: 'skip' }, 'a', 'b'));
      assert.deepEqual(outcome.admission, { decision: 'accepted' });
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.deepEqual(counts, { ...emptyCounts(2), completed: 1, skipped: 1, pending: 0, bytes: 7 });
      const [, skipped] = (await job.files()).files;
      assert.equal(skipped?.state, 'Skipped');
      assert.match(skipped.message, /^FILE_LOCKED: /);
      assert.equal(begun(replaced, 'copyFile'), 1);
      assert.deepEqual(replaced.tasksOf('releaseLocks')[0]?.locks, [
        { target: { bucket: 'bucket-to', name: 'a' }, generation: '5' },
      ]);
      const stored = replaced.tasksOf('saveResults').flatMap(({ files }) => files);
      assert.equal(stored.length, 2, 'the record has both');
    });
  });
});

describe('copyFiles with dryRun', () => {
  it('takes no lock and copies nothing: every file is Skipped with what would have happened', async () => {
    const replaced = replaceActivities({
      previewFiles: ({ files }) =>
        Promise.resolve(files.map(({ source }) => completed({ state: 'Skipped', message: `DRY_RUN: ${source.name}` }))),
    });
    await withJobs(replaced, async (jobs) => {
      const names = fileNames(101);
      const { job } = await jobs.admit(requestWith({ dryRun: true }, ...names));
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.deepEqual(counts, { ...emptyCounts(101), skipped: 101, pending: 0 });
      const { files } = await job.files({ limit: 200 });
      assert.deepEqual(
        files.map(({ message }) => message),
        names.map((name) => `DRY_RUN: ${name}`),
      );
      for (const name of ['takeLocks', 'copyFile', 'releaseLocks']) assert.equal(begun(replaced, name), 0);
      assert.equal(begun(replaced, 'closeRecord'), 1);
    });
  });

  it('is refused like any other job', async () => {
    const admission = { decision: 'forbidden' as const, message: 'ACCESS_DENIED: no' };
    const replaced = replaceActivities({ checkAccess: () => Promise.resolve({ granted: false, admission }) });
    await withJobs(replaced, async (jobs) => {
      const { outcome } = await jobs.admit(requestWith({ dryRun: true }, 'a'));
      assert.deepEqual(outcome.admission, admission);
      assert.equal(begun(replaced, 'previewFiles'), 0);
    });
  });
});
