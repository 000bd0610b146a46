import { make, setText } from './dom.js';
import { count, counted, stateWords } from './format.js';

/** @import { JobView } from '../../schemas/job.ts' */

/** What a job's state means for whoever waits for it. */
const MEANINGS = new Map([
  ['Requested', 'Access and locks are being checked.'],
  ['Processing', 'Files are being copied.'],
  ['Paused', 'No file is being copied; the job keeps its locks.'],
  ['Cancelling', 'No further file is started; what was sent is being waited for.'],
  ['Completed', 'Every file is copied, or needed no copy.'],
  ['CompletedWithErrors', 'Some files could not be copied.'],
  ['Failed', 'No file could be copied.'],
  ['Cancelled', 'Stopped on request; files that were copied by then stay.'],
  ['Terminated', 'Ended by force in Temporal.'],
  ['Rejected', 'Nothing was copied.'],
]);

/** @param {JobView} job */
export function stateMeaning({ state, counts }) {
  if (state === 'Completed' && counts.requested === 0) return 'There was nothing to copy.';
  return MEANINGS.get(state) ?? '';
}

/** Whether nothing more will happen to the job, nor be found out. @param {JobView} job */
export function hasEnded({ endedAt }) {
  return endedAt !== null;
}

/** A state as a badge: in words and, for the eye, in colour. @param {string} state */
export function makeBadge(state) {
  return make('span', { class: 'badge', 'data-state': state }, stateWords(state));
}

/** @param {HTMLElement} badge @param {string} state */
export function setBadge(badge, state) {
  badge.dataset['state'] = state;
  setText(badge, stateWords(state));
}

/**
 * Shows how far a job is.
 * @param {HTMLProgressElement} bar
 * @param {HTMLElement} text
 * @param {JobView} job
 */
export function setProgress(bar, text, job) {
  const { requested, completed, skipped, failed } = job.counts;
  const done = completed + skipped + failed;
  bar.max = Math.max(requested, 1);
  // Of a job that is still listed nobody knows what is the whole.
  bar.value = isStillListing(job) ? 0 : hasEnded(job) && requested === 0 ? 1 : done;
  bar.hidden = job.state === 'Rejected';
  bar.dataset['state'] = job.state;
  setText(
    text,
    `${progressWords(job)} of ${isStillListing(job) ? 'at least ' : ''}${counted(requested, 'file')}${percentWords(job)}`,
  );
}

/** Whether there may be more files than are counted: the end of the message says so. @param {JobView} job */
export function isStillListing({ message }) {
  const words = document.body.dataset['notAllListed'];
  return words !== undefined && message.endsWith(words);
}

/** How many files are done; once that is final and not all are copied, how each of them ended. @param {JobView} job */
function progressWords({ state, counts, endedAt }) {
  const { requested, completed, skipped, failed } = counts;
  const isFinal = endedAt !== null || state === 'Terminated';
  if (!isFinal || completed === requested) return count(completed + skipped + failed);
  const others = [skipped > 0 ? `${count(skipped)} skipped` : '', failed > 0 ? `${count(failed)} failed` : ''];
  const copied = completed > 0 || skipped + failed === 0 ? `${count(completed)} copied` : '';
  return [copied, ...others].filter((part) => part !== '').join(', ');
}

/** @param {JobView} job */
function percentWords(job) {
  const { state, counts, endedAt } = job;
  const { requested, completed, skipped, failed } = counts;
  const isPartial = (endedAt !== null || state === 'Terminated') && completed < requested;
  if (requested === 0 || isPartial || isStillListing(job)) return '';
  // Rounded down: 100 % is said when it is true.
  return ` (${count(Math.floor(((completed + skipped + failed) * 100) / requested))}%)`;
}
