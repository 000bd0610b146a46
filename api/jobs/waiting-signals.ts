import type { Client } from '@temporalio/client';
import { CANCEL_SIGNAL, PAUSE_SIGNAL, RESUME_SIGNAL } from '../../contract/ids.ts';
import type { JobState } from '../../contract/states.ts';
import { DEADLINES, within } from './deadlines.ts';
import type { JobAction } from './job-service.ts';

export const SIGNALS: Readonly<Record<JobAction, string>> = {
  cancel: CANCEL_SIGNAL,
  pause: PAUSE_SIGNAL,
  resume: RESUME_SIGNAL,
};
const ACTIONS = Object.keys(SIGNALS) as JobAction[];

/**
 * The state in which a signal leaves a job, where it changes one. A worker that answers says it itself; without one the
 * signal waits, and is sure to be heard before anything else happens. A job that is paused before it is decided stays
 * Requested until it is.
 */
const STATE_AFTER: Readonly<Record<JobAction, Partial<Record<JobState, JobState>>>> = {
  cancel: { Requested: 'Cancelling', Processing: 'Cancelling', Paused: 'Cancelling' },
  pause: { Processing: 'Paused' },
  resume: { Paused: 'Processing' },
};

/** The state of a job once it has heard a signal. */
export function stateAfter(action: JobAction, state: JobState): JobState {
  return STATE_AFTER[action][state] ?? state;
}

/** Events at the end of a history that are looked at: signals are seldom more while no worker hears them. */
const EVENTS = 50;

/**
 * What a workflow was sent that it has not heard, the oldest first: no worker has taken a task of it since. Rejects where
 * Temporal does not tell.
 */
export async function waitingSignals(
  client: Client,
  { correlationId, runId }: { correlationId: string; runId: string },
): Promise<JobAction[]> {
  const { history } = await within(client, DEADLINES.describe, () =>
    client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId: correlationId, runId },
      maximumPageSize: EVENTS,
    }),
  );
  const waiting: JobAction[] = [];
  for (const event of history?.events ?? []) {
    if (event.workflowTaskCompletedEventAttributes) break;
    const name = event.workflowExecutionSignaledEventAttributes?.signalName;
    const isCancelled = Boolean(event.workflowExecutionCancelRequestedEventAttributes);
    const action = isCancelled ? 'cancel' : ACTIONS.find((known) => SIGNALS[known] === name);
    if (action !== undefined) waiting.unshift(action);
  }
  return waiting;
}
