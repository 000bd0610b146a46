import { listJobs } from './api.js';
import { find, make, setText, showProblem } from './dom.js';
import { counted, printable, reasonWords, time } from './format.js';
import { hasEnded, makeBadge, setBadge, setProgress } from './job-parts.js';
import { Pace, paceWords } from './pace.js';

/** @import { JobView } from '../../schemas/job.ts' */

const PAGE_SIZE = '20';

/** How soon the list is read again, in milliseconds: while one of its jobs runs, and while none does. */
const REFRESH_MS = { running: 2_000, still: 8_000 };

/** One job of the list; the same elements as long as it stays, lest whoever has the focus there loses it. */
class JobRow {
  #pace = new Pace();
  #badge;
  #bar = make('progress', {});
  #counts = make('span', { class: 'numbers' });
  #problems = make('span', { class: 'problems' });
  #speed = make('span', { class: 'muted' });

  /** @param {JobView} job */
  constructor(job) {
    const id = job.correlationId;
    this.#badge = makeBadge(job.state);
    const link = make('a', { href: `#/jobs/${id}` }, make('span', { class: 'visually-hidden' }, 'Job '), id);
    this.#bar.setAttribute('aria-label', `Progress of job ${id.slice(0, 8)}`);
    this.element = make(
      'li',
      { class: 'job-row' },
      make('div', { class: 'job-name' }, link, make('span', { class: 'muted' }, `started ${time(job.startedAt)}`)),
      make('div', { class: 'job-state' }, this.#badge, this.#problems),
      make('div', { class: 'job-progress' }, this.#bar, make('div', { class: 'split' }, this.#counts, this.#speed)),
    );
    this.update(job);
  }

  /** @param {JobView} job */
  update(job) {
    this.#pace.note(job);
    setBadge(this.#badge, job.state);
    setProgress(this.#bar, this.#counts, job);
    setText(this.#speed, paceWords(job, this.#pace));
    setText(this.#problems, problemWords(job));
  }
}

/** What somebody may have to see to: why it was rejected, or how much failed. @param {JobView} job */
function problemWords({ state, counts, message }) {
  if (state === 'Rejected' && message !== '') {
    const { meaning, sentence } = reasonWords(message);
    return meaning === '' ? printable(sentence) : meaning;
  }
  return counts.failed === 0 ? '' : `${counted(counts.failed, 'file')} failed`;
}

/**
 * The caller's jobs, newest first, a page at a time, kept up to date until the signal is aborted.
 * @param {AbortSignal} signal
 * @param {(error: unknown) => void} onError
 */
export async function showJobs(signal, onError) {
  const list = find('jobs-list', HTMLUListElement);
  const filter = find('jobs-state', HTMLSelectElement);
  const older = find('jobs-older', HTMLButtonElement);
  const newest = find('jobs-newest', HTMLButtonElement);
  const pager = find('jobs-pager', HTMLElement);
  const summary = find('jobs-summary', HTMLElement);
  const problem = find('jobs-problem', HTMLElement);
  /** @type {Map<string, JobRow>} */
  let rows = new Map();
  /** @type {string | undefined} */
  let page;
  /** @type {string | null} */
  let next = null;
  let refresh = new AbortController();

  /** @param {JobView[]} jobs */
  const show = (jobs) => {
    const shown = new Map(
      jobs.map((job) => {
        const row = rows.get(job.correlationId) ?? new JobRow(job);
        row.update(job);
        return [job.correlationId, row];
      }),
    );
    const isSameOrder = [...shown.keys()].join() === [...rows.keys()].join();
    if (!isSameOrder) list.replaceChildren(...[...shown.values()].map(({ element }) => element));
    rows = shown;
  };

  const read = async () => {
    const state = filter.value === '' ? undefined : filter.value;
    const { data, paging } = await listJobs({ state, continuationToken: page, limit: PAGE_SIZE }, refresh.signal);
    show(data);
    next = paging.continuationToken;
    older.disabled = next === null;
    newest.disabled = page === undefined;
    pager.hidden = older.disabled && newest.disabled;
    const none = state === undefined ? 'No jobs yet. Start a copy to see it here.' : 'No jobs in this state.';
    setText(summary, paging.totalCount === 0 ? none : counted(paging.totalCount, 'job'));
    return data.some((job) => !hasEnded(job));
  };

  /** @param {string | undefined} token */
  const turnTo = (token) => {
    page = token;
    refresh.abort();
  };
  const options = { signal };
  signal.addEventListener('abort', () => {
    refresh.abort();
  });
  filter.addEventListener('change', () => turnTo(undefined), options);
  older.addEventListener('click', () => turnTo(next ?? undefined), options);
  newest.addEventListener('click', () => turnTo(undefined), options);

  list.replaceChildren();
  setText(summary, 'Reading…');
  while (!signal.aborted) {
    refresh = new AbortController();
    let isRunning = false;
    try {
      if (!document.hidden) isRunning = await read();
      showProblem(problem, undefined);
    } catch (error) {
      if (refresh.signal.aborted) continue;
      if (rows.size === 0) setText(summary, '');
      showProblem(problem, error);
      onError(error);
    }
    await pause(isRunning ? REFRESH_MS.running : REFRESH_MS.still, refresh.signal);
  }
}

/** @param {number} ms @param {AbortSignal} signal */
function pause(ms, signal) {
  return new Promise((/** @type {(value: undefined) => void} */ resolve) => {
    const done = () => resolve(undefined);
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
    if (signal.aborted) done();
  });
}
