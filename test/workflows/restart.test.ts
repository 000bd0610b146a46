import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import { completed, failed, replaceActivities, untilCancelled } from './replaced-activities.ts';
import { eventually, requestFor, withJobs, type Jobs } from './support.ts';

describe('a restart of the worker', () => {
  it('hands copies in flight over to the next one: the job goes on where it was', async () => {
    let isFirstWorker = true;
    const replaced = replaceActivities({
      copyFile: async ({ source }) => {
        if (source.name === 'done' || !isFirstWorker)
          return completed({ retryCount: Context.current().info.attempt - 1 });
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('done', 'interrupted'));
      await eventually(async () => (await job.status()).counts.completed === 1);
      await jobs.worker.stop();
      isFirstWorker = false;
      await jobs.worker.start();
      assert.equal((await job.result()).state, 'Completed');
      const { files } = await job.files();
      assert.deepEqual(
        files.map(({ fileName, state, retryCount }) => [fileName, state, retryCount]),
        [
          ['done', 'Completed', 0],
          ['interrupted', 'Completed', 1],
        ],
      );
      const begun = replaced.story.filter((line) => line.startsWith('begin')).map((line) => line.slice(6));
      for (const once of ['claimJob', 'checkAccess', 'takeLocks', 'copyFile done', 'releaseLocks', 'closeRecord']) {
        assert.equal(begun.filter((line) => line === once).length, 1, `${once} happens once`);
      }
    });
  });

  it('loses nothing that was asked for in between', async () => {
    let copies = 0;
    const replaced = replaceActivities({
      copyFile: async () => {
        if (++copies > 1) assert.fail('a cancelled job copies nothing more');
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      await eventually(() => copies === 1);
      await jobs.worker.stop();
      await job.cancel();
      await jobs.worker.start();
      assert.equal((await job.result()).state, 'Cancelled');
    });
  });

  it('or its late start leaves no job behind', async () => {
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(requestFor('a'));
      await jobs.worker.start();
      assert.equal((await job.result()).state, 'Completed');
    };
    await withJobs(replaceActivities(), useJobs, { started: false });
  });

  it('leaves an ended job to be asked', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a'));
      const result = await job.result();
      await jobs.worker.stop();
      assert.deepEqual(await job.admitted(), outcome, 'the outcome does not even take a worker');
      await jobs.worker.start();
      assert.deepEqual(await job.status(), result);
    });
  });
});
