import { ApiError, readFiles } from './api.js';
import { find, make, setText, showProblem } from './dom.js';
import { foretoldFailure } from './dry-runs.js';
import { count, counted, printable, reasonWords, size } from './format.js';
import { hasEnded, makeBadge } from './job-parts.js';

/** @import { JobView } from '../../schemas/job.ts' */
/** @import { LogRecord } from '../../schemas/log-record.ts' */

const PAGE_SIZE = 100;

/** The files of a running job are read again at most that often, in milliseconds. */
const REFRESH_MS = 2_000;

/** Within a page, what needs somebody comes first. */
const ORDER = ['Failed', 'Cancelled', 'Processing', 'Requested', 'Skipped', 'Completed'];

/** Where a record stands in that order: a file that would fail is not a skipped one like others. @param {LogRecord} record */
function rank({ state, message }) {
  return foretoldFailure(message) === undefined ? ORDER.indexOf(state) : -1;
}

/**
 * `countOf`: undefined where the job does not tell.
 * @typedef {{ state: string, name: string, countOf?: (job: JobView) => number }} Filter
 */

/** @type {readonly Filter[]} */
const FILTERS = [
  { state: '', name: 'All', countOf: ({ counts }) => counts.requested },
  { state: 'Failed', name: 'Failed', countOf: ({ counts }) => counts.failed },
  { state: 'Cancelled', name: 'Cancelled', countOf: ({ counts }) => counts.cancelled },
  // The job counts the two together.
  { state: 'Processing', name: 'Being copied' },
  { state: 'Requested', name: 'Waiting' },
  { state: 'Skipped', name: 'Skipped', countOf: ({ counts }) => counts.skipped },
  { state: 'Completed', name: 'Completed', countOf: ({ counts }) => counts.completed },
];

/**
 * One file as a row. Roles are said, since the phone's layout makes blocks of rows.
 * @param {LogRecord} record
 */
function makeRow({ state, message, payload }) {
  const { fileName, destinationFileName, sourceCollectionId, destinationCollectionId } = payload;
  const isLine = fileName === '' && message.startsWith('INVALID_REQUEST');
  const name = make(
    'td',
    { role: 'cell', class: 'file-name' },
    isLine
      ? make('span', { class: 'muted' }, 'A line of the manifest that names no file')
      : make('span', { class: 'name', dir: 'auto' }, printable(fileName)),
  );
  if (destinationFileName !== fileName) {
    name.append(make('span', { class: 'muted', dir: 'auto' }, `as ${printable(destinationFileName)}`));
  }
  if (sourceCollectionId !== '' || destinationCollectionId !== '') {
    name.append(
      make('span', { class: 'muted' }, `${printable(sourceCollectionId)} → ${printable(destinationCollectionId)}`),
    );
  }
  const reason = make('td', { role: 'cell', class: 'file-reason' });
  if (message !== '') {
    const { code, meaning, sentence } = foretoldWords(message) ?? reasonWords(message);
    const said = printable(sentence);
    reason.append(make('span', {}, meaning === '' ? said : meaning));
    if (meaning !== '') reason.append(make('span', { class: 'muted' }, `${code}: ${said}`));
  }
  return make(
    'tr',
    { role: 'row' },
    make('td', { role: 'cell' }, makeBadge(state)),
    name,
    make('td', { role: 'cell', class: 'numbers' }, payload.size === null ? '' : size(payload.size)),
    reason,
  );
}

/**
 * What a dry run says of a file that would fail, in words. @param {string} message
 * @returns {ReturnType<typeof reasonWords> | undefined} undefined: it would not
 */
function foretoldWords(message) {
  const why = foretoldFailure(message);
  if (why === undefined) return undefined;
  const { meaning } = reasonWords(/^[A-Z_]+$/.test(why) ? `${why}: ` : why);
  return { code: 'DRY_RUN', meaning: `Would fail: ${meaning === '' ? why : meaning}`, sentence: `would fail: ${why}` };
}

/** The files of one job: one page of them, by state, with a search by name on it. */
export class FilesView {
  #id;
  #signal;
  #onError;
  #table = find('files-body', HTMLTableSectionElement);
  #filters = find('files-filters', HTMLElement);
  #search = find('files-search', HTMLInputElement);
  #summary = find('files-summary', HTMLElement);
  #previous = find('files-previous', HTMLButtonElement);
  #next = find('files-next', HTMLButtonElement);
  #pager = find('files-pager', HTMLElement);
  #problem = find('files-problem', HTMLElement);
  #note = find('files-note', HTMLElement);
  #retryHint = find('job-retry-hint', HTMLElement);
  /** @type {LogRecord[]} */
  #records = [];
  /** Tokens of the pages before this one, and of this one. @type {(string | undefined)[]} */
  #pages = [undefined];
  /** @type {string | null} */
  #nextPage = null;
  #total = 0;
  #state = '';
  /** Whether a file was seen that is being copied: of large jobs it is not told which these are. */
  #tellsOfCopying = false;
  /** Nobody has chosen a state yet: failures come first where there are any. */
  #isUntouched = true;
  /** @type {JobView | undefined} */
  #job;
  /** What the page in view was read of. */
  #readOf = '';
  #readAt = 0;
  #reading = new AbortController();
  #timer = 0;

  /**
   * @param {string} correlationId
   * @param {AbortSignal} signal
   * @param {(error: unknown) => void} onError
   */
  constructor(correlationId, signal, onError) {
    this.#id = correlationId;
    this.#signal = signal;
    this.#onError = onError;
    this.#table.replaceChildren();
    this.#filters.replaceChildren(...FILTERS.map((filter) => this.#makeFilter(filter)));
    this.#search.value = '';
    setText(this.#summary, 'Reading…');
    showProblem(this.#problem, undefined);
    this.#note.hidden = true;
    this.#retryHint.hidden = true;
    this.#previous.disabled = true;
    this.#next.disabled = true;
    this.#pager.hidden = true;
    const options = { signal };
    this.#search.addEventListener('input', () => this.#show(), options);
    this.#previous.addEventListener('click', () => this.#turn(this.#pages.slice(0, -1)), options);
    this.#next.addEventListener('click', () => this.#turn([...this.#pages, this.#nextPage ?? undefined]), options);
    signal.addEventListener('abort', () => {
      this.#reading.abort();
      clearTimeout(this.#timer);
    });
  }

  /** Takes note of how the job stands; reads files where that has changed. @param {JobView} job */
  update(job) {
    this.#job = job;
    if (this.#isUntouched) this.#state = job.counts.failed > 0 && hasEnded(job) ? 'Failed' : '';
    this.#updateFilters();
    const stands = this.#standing();
    if (stands === this.#readOf || this.#timer !== 0) return;
    const wait = hasEnded(job) || this.#readOf === '' ? 0 : this.#readAt + REFRESH_MS - performance.now();
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      void this.#read();
    }, wait);
  }

  #standing() {
    return JSON.stringify([this.#state, this.#job?.state, this.#job?.counts]);
  }

  /** @param {Filter} filter */
  #makeFilter({ state, name }) {
    const button = make('button', { type: 'button', class: 'filter', 'data-filter': state }, name);
    const number = make('span', { class: 'numbers' });
    button.append(' ', number);
    button.addEventListener('click', () => {
      this.#isUntouched = false;
      this.#state = state;
      this.#updateFilters();
      this.#turn([undefined]);
    });
    return button;
  }

  #updateFilters() {
    if (this.#job !== undefined) for (const filter of FILTERS) this.#updateFilter(filter, this.#job);
  }

  /** @param {Filter} filter @param {JobView} job */
  #updateFilter({ state, countOf }, job) {
    const button = this.#filters.querySelector(`[data-filter="${state}"]`);
    const number = button?.querySelector('.numbers');
    if (!(button instanceof HTMLButtonElement) || !number) return;
    const files = countOf?.(job);
    setText(number, files === undefined ? '' : count(files));
    button.setAttribute('aria-pressed', String(state === this.#state));
    const isAny =
      files === undefined ? job.counts.pending > 0 && (state !== 'Processing' || this.#tellsOfCopying) : files > 0;
    button.hidden = !isAny && state !== '' && state !== this.#state;
  }

  /** @param {(string | undefined)[]} pages */
  #turn(pages) {
    this.#pages = pages;
    void this.#read();
  }

  async #read() {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    const stands = this.#standing();
    const query = {
      ...{ correlationId: this.#id, limit: String(PAGE_SIZE), continuationToken: this.#pages.at(-1) },
      state: this.#state === '' ? undefined : this.#state,
    };
    this.#readAt = performance.now();
    this.#readOf = stands;
    try {
      const { data, paging, job } = await readFiles(query, signal);
      this.#records = data.toSorted((one, other) => rank(one) - rank(other));
      this.#tellsOfCopying ||= data.some(({ state }) => state === 'Processing');
      this.#nextPage = paging.continuationToken;
      this.#total = paging.totalCount;
      showProblem(this.#problem, undefined);
      this.#note.hidden = !this.#isBehind(job);
      this.#retryHint.hidden = !data.some(({ message }) => message.startsWith('INVALID_REQUEST'));
      this.#updateFilters();
      this.#show();
    } catch (error) {
      if (signal.aborted || this.#signal.aborted) return;
      const isScope = error instanceof ApiError && error.status === 403;
      showProblem(
        this.#problem,
        isScope ? 'To see files, a token needs the scopes apollo_read and apollo_write.' : error,
      );
      setText(this.#summary, '');
      this.#onError(error);
    }
  }

  /** Whether files are done that no record tells of yet. @param {JobView} job as it stood when the records were read */
  #isBehind(job) {
    if (hasEnded(job)) return false;
    const { completed, skipped, failed } = job.counts;
    if (this.#state === '') {
      return completed + skipped + failed > 0 && this.#records.every(({ state }) => state === 'Requested');
    }
    const filter = FILTERS.find(({ state }) => state === this.#state);
    return this.#total < (filter?.countOf?.(job) ?? 0);
  }

  #show() {
    const wanted = this.#search.value.toLocaleLowerCase();
    const found = this.#records.filter(({ payload: { fileName, destinationFileName } }) =>
      [fileName, destinationFileName].some((name) => name.toLocaleLowerCase().includes(wanted)),
    );
    this.#table.replaceChildren(...found.map(makeRow));
    this.#previous.disabled = this.#pages.length === 1;
    this.#next.disabled = this.#nextPage === null;
    this.#pager.hidden = this.#previous.disabled && this.#next.disabled;
    setText(this.#summary, this.#summaryOf(found.length, wanted));
  }

  /** @param {number} found @param {string} wanted */
  #summaryOf(found, wanted) {
    const shown = this.#records.length;
    if (shown === 0) return this.#note.hidden ? 'No files.' : 'No files listed yet.';
    if (wanted !== '') return `${count(found)} of the ${counted(shown, 'file')} on this page`;
    const first = (this.#pages.length - 1) * PAGE_SIZE + 1;
    return `Files ${count(first)} to ${count(first + shown - 1)} of ${count(this.#total)}`;
  }
}
