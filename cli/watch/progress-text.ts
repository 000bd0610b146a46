import { isStillListing, withoutListing } from '../../contract/listing.ts';
import type { Job } from '../http/answers.ts';
import { bytesText, columnsOf, durationText, filesText, printable, shortened, wholeNumber } from '../text.ts';
import type { Rate } from './rate-meter.ts';

const LONGEST_BAR = 30;
const SHORTEST_BAR = 8;

/** How many files of a job were copied, skipped or failed. Of those that were cancelled nothing was done. */
export function doneFiles({ counts }: Job): number {
  return counts.requested - counts.pending - counts.cancelled;
}

/** Why a job that has not ended does not go on as it might, in one line; empty where there is nothing to say. */
export function reasonText({ endedAt, message }: Job): string {
  return endedAt === null ? printable(withoutListing(message)) : '';
}

/**
 * One line that says how far a job is: state, bar, files, rate, time left, and the reason that it tells; at most `width`
 * columns. Where that is not enough for a bar, the rate of bytes goes first, then the bar, then the end of the line.
 */
export function progressText(job: Job, rate: Rate | undefined, width: number): string {
  const { counts, state } = job;
  const reason = reasonOf(job);
  if (counts.requested === 0) return shortened([state, ...reason].join('  '), width);
  // Nobody knows what a share would be of.
  if (isStillListing(job.message)) {
    return shortened([state, ...countsOf(job, rate, true), ...reason].join('  '), width);
  }
  const share = doneFiles(job) / counts.requested;
  for (const withBytes of [true, false]) {
    const facts = factsOf(job, share, rate, withBytes).join('  ');
    const room = width - state.length - columnsOf(facts) - 4;
    if (room >= SHORTEST_BAR) return `${state}  ${bar(share, Math.min(room, LONGEST_BAR))}  ${facts}`;
  }
  return shortened(`${state}  ${factsOf(job, share, rate, false).join('  ').trimStart()}`, width);
}

function factsOf(job: Job, share: number, rate: Rate | undefined, withBytes: boolean): string[] {
  return [
    // Rounded down: not 100 before the end.
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    ...countsOf(job, rate, withBytes),
    ...timeLeft(job, rate),
    ...reasonOf(job),
  ];
}

function reasonOf(job: Job): string[] {
  const reason = reasonText(job);
  return reason === '' ? [] : [reason];
}

function countsOf(job: Job, rate: Rate | undefined, withBytes: boolean): string[] {
  const { counts, state } = job;
  const atLeast = isStillListing(job.message) ? 'at least ' : '';
  return [
    `${wholeNumber(doneFiles(job))} of ${atLeast}${filesText(counts.requested)}`,
    ...(counts.failed > 0 ? [`${wholeNumber(counts.failed)} failed`] : []),
    ...(counts.cancelled > 0 ? [`${wholeNumber(counts.cancelled)} cancelled`] : []),
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
