import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { JobOwner } from '../../contract/messages.ts';
import { createJobDirectory } from '../../worker/job-directory.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { completed, failedForGood, replaceActivities } from '../workflows/replaced-activities.ts';
import { eventually, requestFor, withJobs } from '../workflows/support.ts';

/** Where reconciliations are started; nobody works there. */
const QUEUE = `idle-${randomUUID()}`;

/** A workflow that no worker will ever take up. */
async function startIdle(
  workflowId: string = randomUUID(),
  options: { workflowRunTimeout?: '1 second'; retry?: object } = {},
): Promise<WorkflowHandleWithFirstExecutionRunId> {
  const { client } = await sharedTemporal();
  return await client.workflow.start('copyFiles', {
    workflowId,
    taskQueue: `idle-${randomUUID()}`,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    ...options,
  });
}

function ownerOf({ workflowId, firstExecutionRunId }: WorkflowHandleWithFirstExecutionRunId): JobOwner {
  return { kind: 'job', correlationId: workflowId, firstRunId: firstExecutionRunId, namespace: 'default' };
}

describe('the directory of jobs', () => {
  async function directory() {
    return createJobDirectory((await sharedTemporal()).client, QUEUE);
  }

  it('says which namespace it knows', async () => {
    assert.equal((await directory()).namespace, 'default');
  });

  it('says of a job whose workflow is open that it runs', async () => {
    const job = await startIdle();
    assert.equal(await (await directory()).stateOf(ownerOf(job)), 'running');
    await job.terminate();
  });

  it('says the same of its later runs: the chain is known by its first', async () => {
    const job = await startIdle(undefined, {
      workflowRunTimeout: '1 second',
      retry: { initialInterval: '1 millisecond' },
    });
    const later = await eventually(async () => {
      const { runId } = await job.describe();
      return runId === job.firstExecutionRunId ? undefined : runId;
    });
    const jobs = await directory();
    assert.equal(await jobs.stateOf(ownerOf(job)), 'running');
    assert.equal(await jobs.stateOf({ ...ownerOf(job), firstRunId: later }), 'ended', 'no chain begins with that run');
    const { client } = await sharedTemporal();
    await client.workflow.getHandle(job.workflowId).terminate();
  });

  it('says of a job whose workflow is closed that it ended', async () => {
    const job = await startIdle();
    await job.terminate();
    assert.equal(await (await directory()).stateOf(ownerOf(job)), 'ended');
  });

  it('says of a job whose id another one has taken since that it ended', async () => {
    const former = await startIdle();
    await former.terminate();
    const latter = await startIdle(former.workflowId);
    const jobs = await directory();
    assert.equal(await jobs.stateOf(ownerOf(former)), 'ended');
    assert.equal(await jobs.stateOf(ownerOf(latter)), 'running');
    await latter.terminate();
  });

  it('says of a job that Temporal has never seen, or has forgotten, that it is unknown', async () => {
    const owner: JobOwner = {
      kind: 'job',
      correlationId: randomUUID(),
      firstRunId: randomUUID(),
      namespace: 'default',
    };
    assert.equal(await (await directory()).stateOf(owner), 'unknown');
  });

  describe('has the workflow of a job that was terminated', () => {
    it('tell of its files as it did, as long as Temporal knows it', async () => {
      const names = Array.from({ length: 5 }, (_, index) => `file ${index}`);
      const gate = Promise.withResolvers<undefined>();
      const replaced = replaceActivities({
        copyFile: async ({ destination }) => {
          if (destination.name === 'file 0') throw failedForGood('RETENTION_POLICY', 'held', { retries: 0 });
          if (destination.name === 'file 4') await gate.promise;
          return completed();
        },
      });
      await withJobs(replaced, async (started) => {
        const { job } = await started.admit(requestFor(...names));
        await eventually(async () => (await job.status()).counts.pending === 1 || undefined);
        const told = (await job.files()).files;
        const { owner } = replaced.tasksOf('admitJob')[0] ?? assert.fail();
        await job.handle.terminate();
        gate.resolve(undefined);
        const jobs = await directory();
        assert.deepEqual(await jobs.filesOf(owner), told);
        assert.deepEqual(
          told.map(({ state }) => state),
          ['Failed', 'Completed', 'Completed', 'Completed', 'Processing'],
        );
        assert.equal(await jobs.filesOf({ ...owner, firstRunId: randomUUID() }), undefined, 'of another chain');
        assert.equal(await jobs.filesOf({ ...owner, correlationId: randomUUID() }), undefined, 'not known any more');
      });
    });

    it('fails where no worker answers', async () => {
      const job = await startIdle();
      await job.terminate();
      await assert.rejects((await directory()).filesOf(ownerOf(job)));
    });
  });

  it('says nothing where Temporal cannot be asked, and does not take long over it', async () => {
    // A closed port, on which a call is tried again until its deadline.
    const connection = Connection.lazy({ address: '127.0.0.1:9', channelArgs: { 'grpc.enable_http_proxy': 0 } });
    const jobs = createJobDirectory(new Client({ connection }), QUEUE);
    const owner: JobOwner = {
      kind: 'job',
      correlationId: randomUUID(),
      firstRunId: randomUUID(),
      namespace: 'default',
    };
    const before = performance.now();
    await assert.rejects(jobs.stateOf(owner));
    // Its own deadline is a few seconds; without one, the call would be tried for ever.
    assert.ok(performance.now() - before < 20_000);
    await connection.close();
  });
});
