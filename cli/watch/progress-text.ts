import type { Job } from '../http/answers.ts';
import { bytesText, durationText, filesText, wholeNumber } from '../text.ts';
import type { Rate } from './rate-meter.ts';

const LONGEST_BAR = 30;
const SHORTEST_BAR = 8;

/** How many files of a job have an outcome. */
export function settledFiles({ counts }: Job): number {
  return counts.requested - counts.pending;
}

/** One line that says how far a job is: state, bar, files, rate, time left; at most `width` columns. */
export function progressText(job: Job, rate: Rate | undefined, width: number): string {
  const { counts, state } = job;
  const done = settledFiles(job);
  const share = counts.requested === 0 ? 0 : done / counts.requested;
  const facts = [
    // Not 100 before the end.
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    `${wholeNumber(done)} of ${filesText(counts.requested)}`,
    ...(counts.failed > 0 ? [`${wholeNumber(counts.failed)} failed`] : []),
    ...(rate === undefined || state !== 'Processing' ? [] : speed(rate)),
    ...timeLeft(job, rate),
  ];
  if (counts.requested === 0) return fit(state, width);
  const room = width - state.length - facts.join('  ').length - 4;
  if (room < SHORTEST_BAR) return fit(`${state}  ${facts.join('  ').trimStart()}`, width);
  return `${state}  ${bar(share, Math.min(room, LONGEST_BAR))}  ${facts.join('  ')}`;
}

function speed({ files, bytes }: Rate): string[] {
  const perSecond = files < 9.95 ? files.toFixed(1) : wholeNumber(files);
  return [`${perSecond} files/s`, ...(bytes > 0 ? [`${bytesText(bytes)}/s`] : [])];
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
