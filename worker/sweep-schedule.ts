import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { GRPC_STATUS, grpcStatusOf } from '../config/grpc-status.ts';
import { SWEEP_WORKFLOW, sweepScheduleId } from '../contract/ids.ts';

/** How often the sweep runs where nobody has said otherwise; not at the hour, when all else runs too. */
const EVERY = { every: '1 hour', offset: '17 minutes' } as const;

/** A schedule that missed its times, as no server ran, makes up for one of them at most, and not for days. */
const CATCH_UP = '2 hours';

/** What Temporal's Web UI says beside a sweep. */
const SUMMARY = 'remove old records, stale locks and orphaned input';

/** Temporal gets this long to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Before the schedule is looked at again, which others change at the same time, in milliseconds. */
const PAUSE_MS = 100;

type Description = Awaited<ReturnType<Client['workflowService']['describeSchedule']>>;

/**
 * Sees that the schedule which starts the sweep is there. One that is there keeps its times, and its pause: these are the
 * operator's. Only what it starts is brought up to date.
 */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<'created' | 'kept'> {
  const scheduleId = sweepScheduleId(taskQueue);
  return await client.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    for (;;) {
      if (await create(client, scheduleId, taskQueue)) return 'created';
      const found = await describe(client, scheduleId);
      if (startsSweep(found, taskQueue)) return 'kept';
      // Whether that was done is seen as it is looked at again. One that was deleted meanwhile is made anew.
      if (found !== undefined) await mendAction(client, { scheduleId, taskQueue, found });
      await delay(PAUSE_MS);
    }
  });
}

/** Makes the schedule; false: there is one. */
async function create(client: Client, scheduleId: string, taskQueue: string): Promise<boolean> {
  try {
    await client.schedule.create({
      scheduleId,
      action: {
        ...{ type: 'startWorkflow', workflowType: SWEEP_WORKFLOW, workflowId: scheduleId, taskQueue, args: [] },
        staticSummary: SUMMARY,
      },
      spec: { intervals: [EVERY] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
    });
    return true;
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false;
    throw error;
  }
}

/** As the server says it: the SDK cannot decode each action that there may be. Undefined: it was deleted. */
async function describe(client: Client, scheduleId: string): Promise<Description | undefined> {
  const { namespace } = client.options;
  try {
    return await client.workflowService.describeSchedule({ namespace, scheduleId });
  } catch (error) {
    if (grpcStatusOf(error) === GRPC_STATUS.NOT_FOUND) return undefined;
    throw error;
  }
}

function startsSweep(found: Description | undefined, taskQueue: string): boolean {
  const action = found?.schedule?.action?.startWorkflow;
  return action?.workflowType?.name === SWEEP_WORKFLOW && action.taskQueue?.name === taskQueue;
}

/**
 * Has the schedule start the sweep, unless anything of it has changed since it was described, such as a pause that an
 * operator has just given it. The SDK's own `update` writes back what it has read, whatever happened meanwhile; and of a
 * conflict a server tells either by an error or not at all (`conflict_token` of UpdateScheduleRequest,
 * https://github.com/temporalio/api).
 */
async function mendAction(
  client: Client,
  { scheduleId, taskQueue, found }: { scheduleId: string; taskQueue: string; found: Description },
): Promise<void> {
  const startWorkflow = {
    workflowId: scheduleId,
    workflowType: { name: SWEEP_WORKFLOW },
    taskQueue: { name: taskQueue },
    userMetadata: { summary: defaultPayloadConverter.toPayload(SUMMARY) },
  };
  const { namespace, identity } = client.options;
  try {
    await client.workflowService.updateSchedule({
      ...{ namespace, identity, scheduleId, requestId: randomUUID() },
      schedule: { ...found.schedule, action: { startWorkflow } },
      conflictToken: found.conflictToken,
    });
  } catch (error) {
    // It has been changed, or deleted, since it was looked at.
    const status = grpcStatusOf(error);
    if (status !== GRPC_STATUS.FAILED_PRECONDITION && status !== GRPC_STATUS.NOT_FOUND) throw error;
  }
}
