import { isStillListing } from '../../contract/listing.ts';
import { isEndState } from '../../contract/states.ts';
import type { Job } from '../http/answers.ts';
import { bytesText, durationText, filesText, printable, timeText, wholeNumber } from '../text.ts';

/** Files by outcome, without those there are none of: `2 copied, 1 failed`. */
function outcomes({ counts, message }: Job): string {
  const named = [
    [counts.completed, 'copied'],
    [counts.skipped, 'skipped'],
    [counts.failed, 'failed'],
    [counts.cancelled, 'cancelled'],
    [counts.pending, 'to go'],
  ] as const;
  const parts = named.filter(([count]) => count > 0).map(([count, word]) => `${wholeNumber(count)} ${word}`);
  if (parts.length === 0) parts.push(filesText(counts.requested));
  if (isStillListing(message)) parts.push('more to be listed');
  return parts.join(', ');
}

/** How long a job has taken. */
function tookMs({ startedAt, endedAt }: Job, now: number): number {
  return (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt);
}

/** How a job stands or ended, in a line or two: `Completed: 2 copied, 4.7 kB in 0.6 s`. */
export function jobText(job: Job, now: number): string[] {
  const { state, counts, message } = job;
  const took = durationText(tookMs(job, now));
  const time = isEndState(state) ? ` in ${took}` : ` for ${took}`;
  const bytes = counts.bytes > 0 ? `, ${bytesText(counts.bytes)}` : '';
  return [`${state}: ${outcomes(job)}${bytes}${time}`, ...(message === '' ? [] : [`  ${printable(message)}`])];
}

export const JOB_COLUMNS = ['correlation id', 'state', 'started (UTC)', 'took', 'bytes', 'files'] as const;

/** A job as a row under JOB_COLUMNS. */
export function jobRow(job: Job, now: number): string[] {
  return [
    job.correlationId,
    job.state,
    timeText(Date.parse(job.startedAt)),
    durationText(tookMs(job, now)),
    bytesText(job.counts.bytes),
    outcomes(job),
  ];
}
