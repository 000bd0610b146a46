import assert from 'node:assert/strict';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CopyStarter } from '../../../api/jobs/copy-starter.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import type { CopyAnswer, NewJob } from '../../../api/jobs/job-service.ts';
import { until } from '../../stack/support/until.ts';
import { holdAfter, holdBefore, type Hold } from '../../support/storage-proxy/index.ts';
import { newJob, silent, withJobs, type JobsWorld } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };

/** Has Temporal forget a workflow, whether it runs or not. Who waits for its decision may start it anew at once. */
async function forget({ client }: JobsWorld, workflowId: string): Promise<void> {
  const { namespace } = client.options;
  const { runId } = await client.workflow.getHandle(workflowId).describe();
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } });
  await until('the job is deleted', async () => {
    try {
      await client.workflow.getHandle(workflowId, runId).describe();
      return false;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true;
      throw error;
    }
  });
}

/** Has a job claim its correlation id and go no further, and does something about it; then lets go what is left of it. */
async function withClaimedJob(world: JobsWorld, act: (job: NewJob) => Promise<void>): Promise<void> {
  const { proxy, emulator, controlBucket, sourceBucket } = world.storage;
  await emulator.putObject(sourceBucket, 'a.txt', 'a');
  const job = newJob(['a.txt']);
  const locking = holdBefore();
  const claimed = holdAfter();
  const upload = { operation: 'upload', bucket: controlBucket } as const;
  proxy.inject({ ...upload, name: /^locks\// }, locking, { times: 1 });
  proxy.inject({ ...upload, name: `jobs/${job.correlationId}/job.json` }, claimed, { times: 1 });
  const answer = world.jobs.copy(job).catch(() => undefined);
  await Promise.all([claimed.reached, locking.reached]);
  try {
    await act(job);
  } finally {
    claimed.release();
    locking.release();
    await answer;
  }
}

/** The answer to a request that is repeated until it is decided, which may take longer than an answer on a busy machine. */
async function answered({ jobs }: JobsWorld, job: NewJob): Promise<CopyAnswer> {
  const decision = async () => {
    const answer = await jobs.copy(job);
    return answer.kind !== 'undecided' && answer;
  };
  return await until('the request is decided', decision, { within: 30_000 });
}

/** A job that was deleted from Temporal with its only write on the way, and the answer that it had been given. */
async function acceptedAndForgotten(world: JobsWorld): Promise<{ job: NewJob; answer: CopyAnswer; hold: Hold }> {
  const { storage } = world;
  await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
  const hold = holdBefore();
  storage.proxy.inject({ operation: 'rewrite' }, hold, { times: 1 });
  const job = newJob(['a.txt']);
  const answer = await answered(world, job);
  assert.ok(answer.kind === 'decided');
  await hold.reached;
  await forget(world, job.correlationId);
  return { job, answer, hold };
}

/** A client that waits for a decision until the workflow has ended, and then has no time left for its answer. */
function answeredTooLate(client: Client): Client {
  async function executeUpdateWithStart(...asked: Parameters<typeof client.workflow.executeUpdateWithStart>) {
    await client.workflow.executeUpdateWithStart(...asked);
    await client.workflow.getHandle(asked[1].startWorkflowOperation.options.workflowId).result();
    throw new Error('the time is over');
  }
  const workflow: unknown = Object.create(client.workflow, {
    executeUpdateWithStart: { value: executeUpdateWithStart },
  });
  return Object.create(client, { workflow: { value: workflow } }) as Client;
}

describe('a repeated request for a job that was deleted from Temporal', function () {
  this.timeout(60_000);

  const ABANDONED = { kind: 'abandoned' };

  it('before it was decided is answered as for one that was terminated then, also after it is settled', async () => {
    await withJobs(async (world) => {
      const { jobs } = world;
      await withClaimedJob(world, async (job) => {
        await forget(world, job.correlationId);
        assert.deepEqual(await answered(world, job), ABANDONED);
        assert.deepEqual(await answered(world, job), ABANDONED, 'and again');
        assert.deepEqual(await jobs.copy({ ...job, digest: 'another' }), { kind: 'conflict' });
        const isSettled = async () => (await jobs.status(job.correlationId, alice)).endedAt !== null;
        await until('it is settled', isSettled, { within: 30_000 });
        await forget(world, job.correlationId);
        assert.deepEqual(await answered(world, job), ABANDONED, 'by the record alone');
      });
    });
  });

  it('after it was terminated undecided is answered as before that', async () => {
    await withJobs(async (world) => {
      const { jobs } = world;
      await withClaimedJob(world, async (job) => {
        await world.client.workflow.getHandle(job.correlationId).terminate('by a test');
        assert.deepEqual(await answered(world, job), ABANDONED);
        const isSettled = async () => (await jobs.status(job.correlationId, alice)).endedAt !== null;
        await until('it is settled', isSettled, { within: 30_000 });
        assert.deepEqual(await answered(world, job), ABANDONED);
        await forget(world, job.correlationId);
        assert.deepEqual(await answered(world, job), ABANDONED);
      });
    });
  });

  it('while it waited for a lock is answered so too', async () => {
    await withJobs(async (world) => {
      const { jobs, storage } = world;
      await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
      const hold = holdBefore();
      storage.proxy.inject({ operation: 'rewrite' }, hold, { times: 1 });
      await jobs.copy(newJob(['a.txt']));
      await hold.reached;
      const waiting = newJob(['a.txt']);
      const { entries } = waiting.request as Extract<NewJob['request'], { entries: unknown }>;
      const job = { ...waiting, request: { entries, options: { ...DEFAULT_OPTIONS, onLocked: 'wait' as const } } };
      try {
        assert.deepEqual(await jobs.copy(job), { kind: 'undecided', requested: 1 });
        await forget(world, job.correlationId);
        assert.deepEqual(await answered(world, job), ABANDONED);
      } finally {
        hold.release();
      }
    });
  });

  it('once it had been accepted is answered so, before and after it is settled', async () => {
    await withJobs(async (world) => {
      const { jobs } = world;
      const { job, answer, hold } = await acceptedAndForgotten(world);
      assert.deepEqual(await answered(world, job), answer);
      const isSettled = async () => (await jobs.status(job.correlationId, alice)).endedAt !== null;
      await until('it is settled', isSettled, { within: 30_000 });
      hold.release();
      await forget(world, job.correlationId);
      assert.deepEqual(await answered(world, job), answer);
    });
  });

  it('is answered with what had been decided, where the time is over just as it is found out', async () => {
    await withJobs(async (world) => {
      const { client, jobs, storage, worker } = world;
      const { job, answer, hold } = await acceptedAndForgotten(world);
      const { records } = storage.connect();
      const late = new CopyStarter({
        ...{ client: answeredTooLate(client), records, taskQueue: worker.taskQueue },
        log: silent,
      });
      assert.deepEqual(await late.copy(job), answer);
      assert.deepEqual(await late.copy({ ...job, digest: 'another' }), { kind: 'conflict' });
      hold.release();
      const isSettled = async () => (await jobs.status(job.correlationId, alice)).endedAt !== null;
      await until('it is settled', isSettled, { within: 30_000 });
    });
  });
});
