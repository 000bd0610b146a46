import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import { SWEEP_WORKFLOW, sweepScheduleId } from '../contract/ids.ts';

/** How often the sweep runs where nobody has said otherwise; not at the hour, when all else runs too. */
const EVERY = { every: '1 hour', offset: '17 minutes' } as const;

/** A schedule that missed its times, as no server ran, makes up for one of them at most, and not for days. */
const CATCH_UP = '2 hours';

/** Temporal gets this long to answer, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * Sees that the schedule which starts the sweep is there. One that is there keeps its times, and its pause: these are the
 * operator's. Only what it starts is brought up to date.
 */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<'created' | 'kept'> {
  const scheduleId = sweepScheduleId(taskQueue);
  const action: ScheduleOptions['action'] = {
    type: 'startWorkflow',
    workflowType: SWEEP_WORKFLOW,
    workflowId: scheduleId,
    taskQueue,
    args: [],
    staticSummary: 'remove old records, stale locks and orphaned input',
  };
  return await client.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    try {
      await client.schedule.create({
        scheduleId,
        action,
        spec: { intervals: [EVERY] },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
      });
      return 'created';
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
    const handle = client.schedule.getHandle(scheduleId);
    const { action: current } = await handle.describe();
    const isCurrent = current.workflowType === action.workflowType && current.taskQueue === taskQueue;
    if (!isCurrent) await handle.update((schedule) => ({ ...schedule, action }));
    return 'kept';
  });
}
