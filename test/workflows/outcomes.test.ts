import assert from 'node:assert/strict';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { Activities } from '../../activities/index.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { completed, failed, failedForGood, gate, inVainLocally, replaceActivities } from './replaced-activities.ts';
import { eventually, requestFor, withJobs, type Job } from './support.ts';

/** A copyFile that does, for each name, what is said; it copies the others. */
function copies(outcomes: Record<string, () => Promise<never> | ReturnType<Activities['copyFile']>>) {
  const copyFile: Activities['copyFile'] = ({ source }) => outcomes[source.name]?.() ?? Promise.resolve(completed());
  return { copyFile };
}

/** Has Temporal treat what is running as the last of all attempts. */
async function makeThisTheLastAttempt(job: Job, { heartbeatTimeoutSeconds }: { heartbeatTimeoutSeconds: number }) {
  const { client, namespace } = await sharedTemporal();
  await client.workflowService.updateActivityOptions({
    namespace,
    execution: { workflowId: job.id },
    type: 'copyFile',
    activityOptions: { heartbeatTimeout: msToTs(heartbeatTimeoutSeconds * 1_000), retryPolicy: { maximumAttempts: 1 } },
    updateMask: { paths: ['heartbeat_timeout', 'retry_policy.maximum_attempts'] },
  });
}

async function fileOf(job: Job, name: string) {
  const { files } = await job.files();
  return files.find(({ fileName }) => fileName === name)!;
}

/** The status that a workflow that failed with CopyFailed carries. */
async function failedStatus(job: Job): Promise<JobStatus> {
  const error = await job.result().then(
    () => assert.fail('the workflow did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
  assert.equal(error.cause.type, 'CopyFailed');
  return error.cause.details?.[0] as JobStatus;
}

describe('outcomes of copyFiles', () => {
  it('are Completed where files were copied or skipped', async () => {
    const message = 'DESTINATION_EXISTS: the destination exists and overwrite is "never"';
    const replaced = replaceActivities(
      copies({ there: () => Promise.resolve(completed({ state: 'Skipped', message, retryCount: 1 })) }),
    );
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'there'));
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.deepEqual([counts.completed, counts.skipped, counts.bytes], [1, 1, 7], 'bytes are those copied');
      const skipped = await fileOf(job, 'there');
      assert.deepEqual([skipped.state, skipped.message, skipped.retryCount], ['Skipped', message, 1]);
    });
  });

  it('are CompletedWithErrors where some files failed, each with its reason', async () => {
    const replaced = replaceActivities(
      copies({ gone: () => Promise.reject(failed('SOURCE_NOT_FOUND', 'gone does not exist', { retries: 2 })) }),
    );
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'gone', 'b'));
      const { state, counts } = await job.result();
      assert.equal(state, 'CompletedWithErrors');
      assert.deepEqual([counts.completed, counts.failed, counts.pending], [2, 1, 0]);
      const { history, ...file } = await fileOf(job, 'gone');
      assert.deepEqual(file, {
        index: 1,
        sourceCollectionId: 'from',
        destinationCollectionId: 'to',
        fileName: 'gone',
        destinationFileName: 'gone',
        state: 'Failed',
        message: 'SOURCE_NOT_FOUND: gone does not exist',
        retryCount: 2,
        size: null,
        crc32c: null,
        generation: null,
        sourceGeneration: null,
      });
      assert.deepEqual(
        history.map(({ state: step }) => step),
        ['Requested', 'Processing', 'Failed'],
      );
      assert.equal(replaced.tasksOf('copyFile').length, 3, 'what cannot help is not tried again');
      assert.deepEqual(replaced.tasksOf('findCopy'), [], 'and nothing can have been written');
    });
  });

  it('are Failed where every file failed: the workflow fails, its record is closed and its locks are released', async () => {
    const replaced = replaceActivities(
      copies({
        a: () => Promise.reject(failed('RETENTION_POLICY', 'may not be replaced')),
        b: () => Promise.reject(failed('CHECKSUM_MISMATCH', 'differs')),
      }),
    );
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(outcome.admission, { decision: 'accepted' });
      const status = await failedStatus(job);
      assert.equal(status.state, 'Failed');
      assert.deepEqual(replaced.tasksOf('closeRecord')[0]?.status, status);
      assert.deepEqual(await job.status(), status);
      assert.equal(replaced.tasksOf('releaseLocks').length, 1);
      assert.equal((await job.handle.describe()).status.name, 'FAILED');
    });
  });

  it('do not depend on failures that pass: a copy is tried again, with growing pauses', async () => {
    const at: number[] = [];
    const replaced = replaceActivities({
      copyFile: () => {
        at.push(performance.now());
        if (at.length < 3) return Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer'));
        return Promise.resolve(completed({ retryCount: 2 }));
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
      const [first = 0, second = 0, third = 0] = at;
      assert.ok(second - first > 400, `the first pause was ${second - first} ms`);
      assert.ok(third - second > 900, `the second pause was ${third - second} ms`);
      assert.equal((await fileOf(job, 'a')).retryCount, 2);
      assert.deepEqual(replaced.tasksOf('findCopy'), []);
    });
  });

  it('are what storage says where all attempts failed: a file that was copied all the same is Completed', async () => {
    const replaced = replaceActivities({
      ...copies({
        written: () => Promise.reject(failedForGood('STORAGE_UNAVAILABLE', 'no answer')),
        missing: () => Promise.reject(failedForGood('STORAGE_RATE_LIMITED', 'slow down')),
      }),
      findCopy: ({ destination }) => Promise.resolve(destination.name === 'written' ? completed() : null),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('written', 'missing'));
      assert.equal((await job.result()).state, 'CompletedWithErrors');
      const written = await fileOf(job, 'written');
      assert.deepEqual([written.state, written.size, written.generation], ['Completed', 7, '2']);
      const missing = await fileOf(job, 'missing');
      assert.deepEqual(
        [missing.state, missing.message, missing.retryCount],
        ['Failed', 'STORAGE_RATE_LIMITED: slow down', 24],
      );
      const [task] = replaced.tasksOf('findCopy').filter(({ source }) => source.name === 'written');
      assert.deepEqual(
        { ...task, round: 0 },
        replaced.tasksOf('copyFile').find(({ source }) => source.name === 'written'),
        'what is looked for is what was to be copied',
      );
    });
  });

  it('are WORKER_LOST where the worker stopped answering in the last attempt too and nothing is at the destination', async () => {
    const { passed: testIsOver, open: endTest } = gate();
    const replaced = replaceActivities({
      copyFile: () => testIsOver.then(() => completed()),
      findCopy: ({ destination }) => Promise.resolve(destination.name === 'written' ? completed() : null),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('written', 'missing'));
      await eventually(() => replaced.tasksOf('copyFile').length === 2);
      await makeThisTheLastAttempt(job, { heartbeatTimeoutSeconds: 1 });
      assert.equal((await job.result()).state, 'CompletedWithErrors');
      assert.equal((await fileOf(job, 'written')).state, 'Completed');
      const { state, message, retryCount } = await fileOf(job, 'missing');
      assert.deepEqual(
        [state, message, retryCount],
        ['Failed', 'WORKER_LOST: the worker that copied the file stopped answering', 24],
      );
      endTest();
    });
  });

  it('are INTERNAL_ERROR where an activity fails in a way that has no code', async () => {
    const replaced = replaceActivities(
      copies({
        odd: () => Promise.reject(ApplicationFailure.nonRetryable('undefined is not a function', 'TypeError')),
      }),
    );
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'odd'));
      await job.result();
      const { state, message } = await fileOf(job, 'odd');
      assert.deepEqual([state, message], ['Failed', 'INTERNAL_ERROR: undefined is not a function']);
      assert.equal(replaced.tasksOf('findCopy').length, 1, 'a defect does not say that nothing was written');
    });
  });

  it('are Failed where storage refuses to be asked what is there, and the job still comes to its end', async () => {
    const replaced = replaceActivities({
      ...copies({ a: () => Promise.reject(failedForGood('STORAGE_UNAVAILABLE', 'no answer')) }),
      findCopy: () => Promise.reject(failed('STORAGE_FORBIDDEN', 'not any more')),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      assert.equal((await job.result()).state, 'CompletedWithErrors');
      const { state, message } = await fileOf(job, 'a');
      assert.deepEqual([state, message], ['Failed', 'STORAGE_FORBIDDEN: not any more']);
      assert.equal(replaced.tasksOf('releaseLocks').length, 1);
    });
  });

  it('are not lost by a look at storage that fails at first', async () => {
    let looks = 0;
    const replaced = replaceActivities({
      ...copies({ a: () => Promise.reject(failedForGood('STORAGE_UNAVAILABLE', 'no answer')) }),
      findCopy: () => {
        if (++looks === 1) return Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer'));
        return Promise.resolve(completed());
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
    });
  });

  it('are stored by a task, which any worker may take, where the one that has the workflow cannot reach storage', async () => {
    const { activity: closeJob, began } = inVainLocally(replaceActivities().activities.closeJob);
    await withJobs(replaceActivities({ closeJob }), async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(began, [...Array.from({ length: 7 }, () => true), false]);
    });
  });
});
