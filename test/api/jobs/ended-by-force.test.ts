import assert from 'node:assert/strict';
import { until } from '../../stack/support/until.ts';
import { holdBefore } from '../../support/storage-proxy/index.ts';
import { newJob, withJobs, type JobsWorld } from './support.ts';

const alice = { caller: 'alice', isAdmin: false };

/** A job that waits for storage before it copies its file. */
async function withCopyingJob(
  world: JobsWorld,
  file: string,
  use: (correlationId: string, copying: { release: () => void }) => Promise<void>,
): Promise<void> {
  const { jobs, storage } = world;
  await storage.emulator.putObject(storage.sourceBucket, 'a.txt', 'a');
  const job = newJob([file]);
  const copying = holdBefore();
  storage.proxy.inject({ operation: 'stat', name: file, bucket: storage.sourceBucket }, copying);
  try {
    assert.equal((await jobs.copy(job)).kind, 'decided');
    await copying.reached;
    await use(job.correlationId, copying);
  } finally {
    copying.release();
  }
}

const ended = async ({ jobs }: JobsWorld, correlationId: string) =>
  await until('it has ended', async () => {
    const status = await jobs.status(correlationId, alice);
    return status.endedAt === null ? undefined : status;
  });

describe('a job that is terminated as it ends', function () {
  this.timeout(60_000);

  for (const [what, file, expected] of [
    ['with its file copied', 'a.txt', 'Completed'],
    ['with its file failed', 'missing.txt', 'Failed'],
  ] as const) {
    it(`stays what it was told to be, ${what}, whatever a worker still writes of it`, async () => {
      await withJobs(async (world) => {
        const { jobs, storage, client } = world;
        await withCopyingJob(world, file, async (correlationId, copying) => {
          const closing = holdBefore();
          const name = `jobs/${correlationId}/job.json`;
          storage.proxy.inject({ operation: 'upload', name }, closing, { times: 1 });
          copying.release();
          await closing.reached;
          await client.workflow.getHandle(correlationId).terminate('by a test');
          const told = await jobs.status(correlationId, alice);
          assert.deepEqual([told.state, told.endedAt], ['Terminated', null]);
          closing.release();
          assert.equal((await ended(world, correlationId)).state, 'Terminated');
          const { files } = await jobs.page(correlationId, alice, { from: 0, limit: 10 });
          assert.deepEqual(
            files.map(({ state }) => state),
            [expected],
          );
        });
      });
    });
  }
});

describe('a job whose workflow is reset', function () {
  this.timeout(60_000);

  it('runs, and goes on to its end, though a list shows the run that was ended for that', async () => {
    await withJobs(async (world) => {
      const { jobs, client } = world;
      await withCopyingJob(world, 'a.txt', async (correlationId, copying) => {
        const handle = client.workflow.getHandle(correlationId);
        const { runId } = await handle.describe();
        const { events } = await handle.fetchHistory();
        const decided = events?.findLast((event) => Boolean(event.workflowTaskCompletedEventAttributes));
        await client.workflowService.resetWorkflowExecution({
          ...{ namespace: client.options.namespace, workflowExecution: { workflowId: correlationId, runId } },
          ...{ reason: 'by a test', requestId: correlationId, workflowTaskFinishEventId: decided?.eventId ?? null },
        });
        const states = await until('both runs are listed', async () => {
          const listed = await jobs.list({ requestor: 'alice' }, { limit: 50 });
          const own = listed.jobs.filter((job) => job.correlationId === correlationId);
          return own.length < 2 ? undefined : own.map(({ state, endedAt }) => ({ state, endedAt }));
        });
        for (const { state, endedAt } of states) {
          assert.ok(endedAt === null && ['Requested', 'Processing'].includes(state), state);
        }
        copying.release();
        assert.equal((await ended(world, correlationId)).state, 'Completed');
      });
    });
  });
});
