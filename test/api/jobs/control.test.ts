import assert from 'node:assert/strict';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import type { NewJob } from '../../../api/jobs/job-service.ts';
import { holdBefore } from '../../support/storage-proxy/index.ts';
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
  async function withRunningJob(use: (world: JobsWorld, correlationId: string) => Promise<void>): Promise<void> {
    await withJobs(async (world) => {
      const { jobs, storage } = world;
      await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
      const held = holdBefore();
      storage.proxy.inject({ operation: 'rewrite' }, held);
      const job = newJob(['a.txt']);
      try {
        await jobs.copy(job);
        await held.reached;
        await use(world, job.correlationId);
      } finally {
        held.release();
      }
    });
  }

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
