import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client, ScheduleHandle } from '@temporalio/client';
import { runSweep, SweepGoesOnError } from '../../cli/run-sweep.ts';
import { sweepByHandId, sweepScheduleId, SWEEP_WORKFLOW } from '../../contract/ids.ts';
import { noSweepCounts } from '../../contract/upkeep.ts';
import { ensureSweepSchedule } from '../../worker/sweep-schedule.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withWorker } from '../support/temporal-worker.ts';
import { replaceActivities } from '../workflows/replaced-activities.ts';
import { eventually } from '../workflows/support.ts';

describe('the schedule of the sweep', () => {
  let taskQueue: string;

  beforeEach(() => {
    taskQueue = `test-${randomUUID()}`;
  });

  afterEach(async () => {
    const { client } = await sharedTemporal();
    await client.schedule.getHandle(sweepScheduleId(taskQueue)).delete();
  });

  it('is made by the first worker that starts, and kept by the others', async () => {
    const { client } = await sharedTemporal();
    assert.equal(await ensureSweepSchedule(client, taskQueue), 'created');
    assert.equal(await ensureSweepSchedule(client, taskQueue), 'kept');
    const { action, spec, policies } = await client.schedule.getHandle(sweepScheduleId(taskQueue)).describe();
    assert.deepEqual([action.workflowType, action.taskQueue], ['sweep', taskQueue]);
    assert.deepEqual(spec.intervals, [{ every: 3_600_000, offset: 17 * 60_000 }]);
    assert.equal(policies.overlap, 'SKIP');
  });

  it('is made once by workers that start together', async () => {
    const { client } = await sharedTemporal();
    const made = await Promise.all(Array.from({ length: 4 }, () => ensureSweepSchedule(client, taskQueue)));
    assert.equal(made.filter((outcome) => outcome === 'created').length, 1);
  });

  it('keeps the times and the pause that an operator gave it, and is mended where it starts something else', async () => {
    const { client } = await sharedTemporal();
    const handle = await scheduleOfAnother(client, taskQueue);
    await handle.pause('by a test');
    assert.equal(await ensureSweepSchedule(client, taskQueue), 'kept');
    assert.deepEqual(await seen(handle), { starts: 'sweep', every: [86_400_000], paused: true, note: 'by a test' });
  });

  it('keeps a pause that it is given at the moment when it is mended', async () => {
    const { client } = await sharedTemporal();
    const handle = await scheduleOfAnother(client, taskQueue);
    let isPaused = false;
    const pausing = withService(client, 'updateSchedule', async () => {
      if (!isPaused) await handle.pause('at that moment');
      isPaused = true;
    });
    assert.equal(await ensureSweepSchedule(pausing, taskQueue), 'kept');
    assert.equal(isPaused, true);
    assert.deepEqual(await seen(handle), {
      starts: 'sweep',
      every: [86_400_000],
      paused: true,
      note: 'at that moment',
    });
  });

  it('is made anew where it is deleted at the moment when it is looked at', async () => {
    const { client } = await sharedTemporal();
    await scheduleOfAnother(client, taskQueue);
    let isDeleted = false;
    const deleting = withService(client, 'describeSchedule', async () => {
      if (!isDeleted) await client.schedule.getHandle(sweepScheduleId(taskQueue)).delete();
      isDeleted = true;
    });
    assert.equal(await ensureSweepSchedule(deleting, taskQueue), 'created');
    const { starts } = await seen(client.schedule.getHandle(sweepScheduleId(taskQueue)));
    assert.deepEqual([starts, isDeleted], ['sweep', true]);
  });

  it('starts a sweep', async () => {
    const { client } = await sharedTemporal();
    const replaced = replaceActivities();
    await withWorker(
      replaced.activities,
      async () => {
        await ensureSweepSchedule(client, taskQueue);
        await client.schedule.getHandle(sweepScheduleId(taskQueue)).trigger();
        await eventually(() => replaced.tasksOf('sweepLocks').length === 1);
      },
      { taskQueue },
    );
  });
});

/**
 * The schedule, as an operator changed it: once a day, and started by it is something else. What the server is told next
 * it is told after it has done this: it takes a pause before an update that came first, where both come at once.
 */
async function scheduleOfAnother(client: Client, taskQueue: string): Promise<ScheduleHandle> {
  await ensureSweepSchedule(client, taskQueue);
  const handle = client.schedule.getHandle(sweepScheduleId(taskQueue));
  await handle.update((schedule) => ({
    ...schedule,
    spec: { intervals: [{ every: '1 day' }] },
    action: { type: 'startWorkflow', workflowType: 'former', workflowId: 'former', taskQueue },
  }));
  await eventually(async () => (await handle.describe()).action.workflowType === 'former');
  return handle;
}

/** The client; before each call of this kind something else happens. */
function withService(client: Client, call: 'describeSchedule' | 'updateSchedule', first: () => Promise<void>): Client {
  const { workflowService } = client;
  const value = async (request: object) => {
    await first();
    return await workflowService[call](request);
  };
  const service: unknown = Object.create(workflowService, { [call]: { value } });
  return Object.create(client, { workflowService: { value: service } }) as Client;
}

async function seen(handle: ScheduleHandle): Promise<Readonly<Record<string, unknown>>> {
  const { action, spec, state } = await handle.describe();
  return {
    starts: action.workflowType,
    every: spec.intervals?.map(({ every }) => every),
    ...{ paused: state.paused, note: state.note },
  };
}

describe('a sweep by hand', () => {
  it('is waited for and tells what it did; another one finds it running', async () => {
    const { client } = await sharedTemporal();
    const counts = { ...noSweepCounts(), jobs: 3, expired: 2 };
    const replaced = replaceActivities({ sweepJobs: () => Promise.resolve({ counts, after: null }) });
    await withWorker(
      replaced.activities,
      async (worker) => {
        const started = { workflowIdConflictPolicy: 'FAIL' as const, taskQueue: worker.taskQueue, args: [] };
        await client.workflow.start(SWEEP_WORKFLOW, { ...started, workflowId: sweepByHandId(worker.taskQueue) });
        const sweeps = [1, 2].map(() => runSweep(client, worker.taskQueue, { waitMs: 30_000 }));
        await worker.start();
        assert.deepEqual(await Promise.all(sweeps), [counts, counts]);
      },
      { started: false },
    );
  });

  it('says so where it takes longer than it is waited for', async () => {
    const { client } = await sharedTemporal();
    const taskQueue = `test-${randomUUID()}`;
    await assert.rejects(runSweep(client, taskQueue, { waitMs: 300 }), SweepGoesOnError);
    await client.workflow.getHandle(sweepByHandId(taskQueue)).terminate('left open by a test');
  });
});
