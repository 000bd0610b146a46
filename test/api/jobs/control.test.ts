import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import { JobEndedError, JobNotFoundError, type NewJob } from '../../../api/jobs/job-service.ts';
import { holdBefore, meanwhile, type Hold } from '../../support/storage-proxy/index.ts';
import { newJob, withJobs, type JobsWorld } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };

/** Signals of which a workflow's history tells, by name. */
async function signalsOf({ client }: JobsWorld, correlationId: string): Promise<(string | null | undefined)[]> {
  const { events } = await client.workflow.getHandle(correlationId).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal ? [signal.signalName] : [],
  );
}

describe('the control of a job', function () {
  this.timeout(60_000);

  /** A job that waits for storage as it copies. */
  async function withRunningJob(
    use: (world: JobsWorld, correlationId: string, held: Hold) => Promise<void>,
  ): Promise<void> {
    await withJobs(async (world) => {
      const { jobs, storage } = world;
      await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
      const held = holdBefore();
      storage.proxy.inject({ operation: 'rewrite' }, held);
      const job = newJob(['a.txt']);
      try {
        await jobs.copy(job);
        await held.reached;
        await use(world, job.correlationId, held);
      } finally {
        held.release();
      }
    });
  }

  it('is of copies alone: another workflow under an id like theirs is no job, whoever asks', async () => {
    await withJobs(async (world) => {
      const { client, jobs } = world;
      const workflowId = randomUUID();
      await client.workflow.start('somebodyElses', { workflowId, taskQueue: 'nobody', args: [] });
      const root = { caller: 'root', isAdmin: true };
      const bounds = { from: 0, limit: 10 };
      await assert.rejects(jobs.status(workflowId, root), JobNotFoundError);
      await assert.rejects(jobs.page(workflowId, root, bounds), JobNotFoundError);
      await assert.rejects(jobs.control(workflowId, root, 'cancel'), JobNotFoundError);
      assert.deepEqual(await signalsOf(world, workflowId), []);
      assert.deepEqual(await jobs.copy(newJob(['a.txt'], { correlationId: workflowId })), { kind: 'conflict' });
      await client.workflow.getHandle(workflowId).terminate();
    });
  });

  it('sends no signal that would change nothing', async () => {
    await withRunningJob(async (world, id) => {
      const states: string[] = [];
      for (const action of ['resume', 'pause', 'pause', 'resume', 'cancel', 'cancel', 'pause'] as const) {
        states.push((await world.jobs.control(id, alice, action)).state);
      }
      assert.deepEqual(states, [
        ...['Processing', 'Paused', 'Paused', 'Processing'],
        ...['Cancelling', 'Cancelling', 'Cancelling'],
      ]);
      assert.deepEqual(await signalsOf(world, id), ['pause', 'resume', 'cancel']);
    });
  });

  it('says of a job that ends as it hears of a cancellation, with nothing left to stop, that it has ended', async () => {
    await withRunningJob(async (world, id, held) => {
      const { client, jobs, storage } = world;
      let reads = 0;
      const endBeforeTheSecond = async () => {
        reads += 1;
        if (reads !== 2) return;
        held.release();
        await client.workflow.getHandle(id).result();
      };
      storage.proxy.inject({ operation: 'read', name: `jobs/${id}/job.json` }, meanwhile(endBeforeTheSecond));
      await assert.rejects(
        jobs.control(id, alice, 'cancel'),
        (error: unknown) => error instanceof JobEndedError && error.status.state === 'Completed',
      );
      assert.deepEqual(await signalsOf(world, id), ['cancel']);
    });
  });

  it('of a bulk job is heard by then: whoever looks after the answer sees it', async () => {
    await withJobs(
      async ({ jobs, storage }) => {
        await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
        const held = holdBefore();
        storage.proxy.inject({ operation: 'rewrite' }, held);
        const source = { sourceCollectionId: 'originals', destinationCollectionId: 'copies' };
        const request: NewJob['request'] = {
          bulk: { kind: 'collection', ...source, prefix: '' },
          options: { ...DEFAULT_OPTIONS },
        };
        const job = newJob([], { request });
        try {
          await jobs.copy(job);
          await held.reached;
          for (const action of ['pause', 'resume', 'pause', 'resume', 'pause', 'resume', 'cancel'] as const) {
            const { state } = await jobs.control(job.correlationId, alice, action);
            assert.equal((await jobs.status(job.correlationId, alice)).state, state);
          }
        } finally {
          held.release();
        }
      },
      { bulk: true },
    );
  });
});
