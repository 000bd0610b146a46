import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { SWEEP_WORKFLOW, sweepScheduleId } from '../contract/ids.ts';

/** How often the sweep runs where nobody has said otherwise; not at the hour, when all else runs too. */
const EVERY = { every: '1 hour', offset: '17 minutes' } as const;

/** A schedule that missed its times, as no server ran, makes up for one of them at most, and not for days. */
const CATCH_UP = '2 hours';

/** What Temporal's Web UI says beside a sweep. */
const SUMMARY = 'remove old records, stale locks and orphaned input';

/** Temporal gets this long to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** gRPC's code of a request that met another state than it was made for. */
const FAILED_PRECONDITION = 9;

/**
 * Sees that the schedule which starts the sweep is there. One that is there keeps its times, and its pause: these are the
 * operator's. Only what it starts is brought up to date.
 */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<'created' | 'kept'> {
  const scheduleId = sweepScheduleId(taskQueue);
  return await client.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    try {
      await client.schedule.create({
        scheduleId,
        action: {
          type: 'startWorkflow',
          workflowType: SWEEP_WORKFLOW,
          workflowId: scheduleId,
          taskQueue,
          args: [],
          staticSummary: SUMMARY,
        },
        spec: { intervals: [EVERY] },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
      });
      return 'created';
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
    const handle = client.schedule.getHandle(scheduleId);
    for (;;) {
      const current = await handle.describe();
      if (current.action.workflowType === SWEEP_WORKFLOW && current.action.taskQueue === taskQueue) return 'kept';
      await mendAction(client, current, taskQueue);
    }
  });
}

/**
 * Has the schedule start the sweep, unless anything of it has changed since it was described, such as a pause that an
 * operator has just given it: the caller looks again. The SDK's own `update` writes back what it has read, whatever
 * happened meanwhile; and of a conflict a server tells either by an error or not at all
 * (https://docs.temporal.io/schedule, `conflict_token` of UpdateScheduleRequest).
 */
async function mendAction(client: Client, { scheduleId, raw }: ScheduleDescription, taskQueue: string): Promise<void> {
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
      schedule: { ...raw.schedule, action: { startWorkflow } },
      conflictToken: raw.conflictToken ?? null,
    });
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
    if (code !== FAILED_PRECONDITION) throw error;
  }
}
