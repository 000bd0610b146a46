import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { JobOwner } from '../../contract/messages.ts';
import { createJobDirectory } from '../../worker/job-directory.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually } from '../workflows/support.ts';

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
