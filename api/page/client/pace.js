import { duration, rate } from './format.js';
import { isStillListing } from './job-parts.js';

/** @import { JobView } from '../../schemas/job.ts' */

/** How far back the rate looks, in milliseconds: long enough to be calm, short enough to be of now. */
const WINDOW_MS = 15_000;

/** Below that, two looks say nothing about a rate. */
const SHORTEST_MS = 900;

/** How fast a job goes, by how it stood at several moments of this browser's own clock. */
export class Pace {
  /** @type {{ at: number, done: number }[]} */
  #looks = [];

  /** @param {JobView} job */
  note({ counts }) {
    const at = performance.now();
    this.#looks.push({ at, done: counts.requested - counts.pending });
    const isOld = (/** @type {{ at: number } | undefined} */ look) => look !== undefined && look.at < at - WINDOW_MS;
    while (isOld(this.#looks[1])) this.#looks.shift();
  }

  /** Files a second; undefined where that is not known. @returns {number | undefined} */
  get rate() {
    const [first] = this.#looks;
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return undefined;
    return ((last.done - first.done) * 1_000) / (last.at - first.at);
  }
}

/**
 * Rate and time left of a job, or how long it took.
 * @param {JobView} job
 * @param {Pace} pace
 * @returns {string}
 */
export function paceWords(job, pace) {
  const { state, counts, startedAt, endedAt } = job;
  if (endedAt !== null) {
    const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
    const done = counts.completed + counts.skipped + counts.failed;
    if (seconds < 1 || done < 2) return `took ${duration(seconds)}`;
    return `took ${duration(seconds)} · ${rate(done / seconds)}`;
  }
  const now = pace.rate;
  if (state !== 'Processing' || now === undefined) return '';
  if (now <= 0) return 'no file finished in the last seconds';
  if (isStillListing(job)) return rate(now);
  return `${rate(now)} · about ${duration(counts.pending / now)} left`;
}
