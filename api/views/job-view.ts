import type { JobStatus } from '../../contract/messages.ts';
import { NOTHING_TO_COPY } from '../../contract/reasons.ts';
import type { JobState } from '../../contract/states.ts';
import type { JobView } from '../schemas/job.ts';
import { timestamp } from './timestamp.ts';

/** A job as callers see it. One that found nothing is Completed, and says so: its prefix may be mistyped. */
export function jobView({ correlationId, state, counts, startedAt, endedAt, message }: JobStatus): JobView {
  const foundNothing = state === 'Completed' && counts.requested === 0 && message === '';
  const { requested, completed, skipped, failed, cancelled, pending, bytes } = counts;
  return {
    correlationId,
    state,
    counts: { requested, completed, skipped, failed, cancelled, pending, bytes },
    startedAt: timestamp(startedAt),
    endedAt: timestamp(endedAt),
    message: foundNothing ? NOTHING_TO_COPY : message,
  };
}

/** What a control answer says: `Job cancelling`, `Job completed with errors`. */
export function jobMessage(state: JobState): string {
  return `Job ${state.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()}`;
}
