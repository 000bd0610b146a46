import type { JobStatus } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import { emptyCounts, isEndState, JOB_STATES, type JobCounts, type JobState } from '../../contract/states.ts';
import type { FoundJob } from './job-finder.ts';

/** How jobs stand for which no workflow answers. */

export type RunningJob = Extract<FoundJob, { kind: 'running' }>;
export type LostJob = Extract<FoundJob, { kind: 'lost' }>;

const UNSETTLED = reason(
  'TERMINATED',
  'the job was ended by force in Temporal; what became of its remaining files is being found out',
);

const ENDED_UNDECIDED = reason('TERMINATED', 'the job was ended by force in Temporal before it was decided');

/** State by search attribute, which the workflow sets with every change; counts by the results stored so far. */
export function runningStatus(
  correlationId: string,
  { record, memo, execution }: RunningJob,
  counts: JobCounts = emptyCounts(memo.requested),
): JobStatus {
  const attribute = execution.typedSearchAttributes.get(COPY_STATE);
  const known = JOB_STATES.find((state) => state === attribute);
  // The last state is set a moment before the record is closed and the workflow with it.
  const state: JobState = known === undefined ? 'Requested' : isEndState(known) ? 'Processing' : known;
  return {
    correlationId,
    state,
    counts: state === 'Requested' ? emptyCounts(memo.requested) : counts,
    startedAt: record?.receivedAt ?? memo.receivedAt,
    endedAt: null,
    message: '',
  };
}

/** Ended by force. Until its record is closed, what became of its remaining files is not known. */
export function lostStatus(
  correlationId: string,
  { record, memo, endedAt }: LostJob,
  // Of a job that was never accepted, no file is waited for.
  counts: JobCounts = { ...emptyCounts(memo.requested), pending: 0 },
): JobStatus {
  return {
    correlationId,
    state: 'Terminated',
    counts,
    startedAt: record?.receivedAt ?? memo.receivedAt,
    // One that has a record ends when that is closed: what is told of its files until then may change.
    endedAt: record === undefined ? endedAt : null,
    message: record === undefined ? ENDED_UNDECIDED : UNSETTLED,
  };
}
