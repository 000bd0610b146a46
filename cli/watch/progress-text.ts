import { isStillListing } from '../../contract/listing.ts';
import type { Job } from '../http/answers.ts';
import { bytesText, durationText, filesText, wholeNumber } from '../text.ts';
import type { Rate } from './rate-meter.ts';

const LONGEST_BAR = 30;
const SHORTEST_BAR = 8;

/** How many files of a job have an outcome. */
export function settledFiles({ counts }: Job): number {
  return counts.requested - counts.pending;
}

/**
 * One line that says how far a job is: state, bar, files, rate, time left; at most `width` columns. Where that is not
 * enough for a bar, the rate of bytes goes first, then the bar.
 */
export function progressText(job: Job, rate: Rate | undefined, width: number): string {
  const { counts, state } = job;
  if (counts.requested === 0) return fit(state, width);
  // Nobody knows what a share would be of.
  if (isStillListing(job.message)) return fit(`${state}  ${countsOf(job, rate, true).join('  ')}`, width);
  const share = settledFiles(job) / counts.requested;
  for (const withBytes of [true, false]) {
    const facts = factsOf(job, share, rate, withBytes).join('  ');
    const room = width - state.length - facts.length - 4;
    if (room >= SHORTEST_BAR) return `${state}  ${bar(share, Math.min(room, LONGEST_BAR))}  ${facts}`;
  }
  return fit(`${state}  ${factsOf(job, share, rate, false).join('  ').trimStart()}`, width);
}

function factsOf(job: Job, share: number, rate: Rate | undefined, withBytes: boolean): string[] {
  return [
    // Rounded down: not 100 before the end.
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    ...countsOf(job, rate, withBytes),
    ...timeLeft(job, rate),
  ];
}

function countsOf(job: Job, rate: Rate | undefined, withBytes: boolean): string[] {
  const { counts, state } = job;
  const atLeast = isStillListing(job.message) ? 'at least ' : '';
  return [
    `${wholeNumber(settledFiles(job))} of ${atLeast}${filesText(counts.requested)}`,
    ...(counts.failed > 0 ? [`${wholeNumber(counts.failed)} failed`] : []),
    ...(rate === undefined || state !== 'Processing' ? [] : speed(rate, withBytes)),
  ];
}

function speed({ files, bytes }: Rate, withBytes: boolean): string[] {
  const perSecond = files < 9.95 ? files.toFixed(1) : wholeNumber(files);
  return [`${perSecond} files/s`, ...(withBytes && bytes > 0 ? [`${bytesText(bytes)}/s`] : [])];
}

function timeLeft({ state, counts }: Job, rate: Rate | undefined): string[] {
  if (state !== 'Processing' || rate === undefined || rate.files <= 0 || counts.pending === 0) return [];
  return [`${durationText((counts.pending / rate.files) * 1_000)} left`];
}

function bar(share: number, length: number): string {
  const full = Math.floor(share * length);
  return '█'.repeat(full) + '░'.repeat(length - full);
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
