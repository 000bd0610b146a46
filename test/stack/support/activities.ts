import assert from 'node:assert/strict';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { CANCEL_SIGNAL } from '../../../contract/ids.ts';
import { until } from './until.ts';

export type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

type Timestamp = PendingActivity['lastHeartbeatTime'];

/** Temporal's number for an activity that is told to stop in the answer to its next heartbeat. */
const CANCEL_REQUESTED = 3;

/** The activities of a job that have not ended, as Temporal knows them. */
export async function pendingActivities(temporal: Client, correlationId: string): Promise<PendingActivity[]> {
  const { raw } = await temporal.workflow.getHandle(correlationId).describe();
  return raw.pendingActivities ?? [];
}

/**
 * Waits until the activities of a job have been told to stop: at each worker one of them, from which the others there hear
 * it, has sent a heartbeat since Temporal has that to answer.
 */
export async function toldToStop(temporal: Client, correlationId: string): Promise<void> {
  await until('the activities have been told to stop', async () => {
    const { events } = await temporal.workflow.getHandle(correlationId).fetchHistory();
    const asked = (events ?? []).findLast((event) => event.activityTaskCancelRequestedEventAttributes);
    if (asked === undefined) return false;
    const pending = await pendingActivities(temporal, correlationId);
    const told = pending.filter(
      ({ state, lastHeartbeatTime }) =>
        Number(state) === CANCEL_REQUESTED && millisecondsOf(lastHeartbeatTime) > millisecondsOf(asked.eventTime),
    );
    const workers = new Set(told.map(({ lastWorkerIdentity }) => lastWorkerIdentity));
    return pending.every(({ lastWorkerIdentity }) => workers.has(lastWorkerIdentity));
  });
}

/**
 * What a job has waited for, since it was cancelled by a signal, that takes long: time-outs, pauses and further activities.
 * Looking at chunks that were cancelled before they began is none of these.
 */
export async function waitedSinceCancel(temporal: Client, correlationId: string): Promise<string[]> {
  const { events } = await temporal.workflow.getHandle(correlationId).fetchHistory();
  const all = events ?? [];
  const cancel = all.findIndex((event) => event.workflowExecutionSignaledEventAttributes?.signalName === CANCEL_SIGNAL);
  assert.ok(cancel >= 0, 'the job was cancelled by a signal');
  return all
    .slice(cancel)
    .flatMap((event) => {
      if (event.activityTaskTimedOutEventAttributes) return ['time-out'];
      if (event.timerFiredEventAttributes) return ['pause'];
      return event.activityTaskScheduledEventAttributes?.activityType?.name ?? [];
    })
    .filter((what) => what !== 'copyChunk');
}

/** Milliseconds since the epoch, with their fractions; 0 where there is no such time. */
function millisecondsOf(time: Timestamp): number {
  return Number(time?.seconds ?? 0) * 1e3 + (time?.nanos ?? 0) / 1e6;
}
