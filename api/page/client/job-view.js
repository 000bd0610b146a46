import { controlJob, retryJob, startCopy } from './api.js';
import { announce, find, make, setText, showProblem } from './dom.js';
import { foretoldFailure, isKnownDryRun, readForecast } from './dry-runs.js';
import { followJob } from './events.js';
import { FilesView } from './files-view.js';
import { count, counted, printable, reasonWords, size, stateWords, time } from './format.js';
import { hasEnded, setBadge, setProgress, stateMeaning } from './job-parts.js';
import { Pace, paceWords } from './pace.js';

/** @import { JobView } from '../../schemas/job.ts' */
/** @import { Forecast } from './dry-runs.js' */

/** How jobs end that did not get everything done, of what was listed of a prefix or of the rest. */
const RETRIED = ['CompletedWithErrors', 'Failed', 'Cancelled', 'Terminated'];

/** What can be done with a job, and when. @type {readonly { id: string, isOffered: (job: JobView) => boolean }[]} */
const ACTIONS = [
  { id: 'job-pause', isOffered: ({ state }) => ['Requested', 'Processing'].includes(state) },
  { id: 'job-resume', isOffered: ({ state }) => state === 'Paused' },
  { id: 'job-cancel', isOffered: ({ state }) => ['Requested', 'Processing', 'Paused'].includes(state) },
  {
    id: 'job-retry',
    isOffered: ({ endedAt, state }) => endedAt !== null && RETRIED.includes(state),
  },
];

/** @param {JobView} job */
function facts({ counts, startedAt, endedAt }) {
  /** @type {[string, string][]} */
  const all = [
    ['Copied', `${counted(counts.completed, 'file')}, ${size(counts.bytes)}`],
    ['Skipped', counted(counts.skipped, 'file')],
    ['Failed', counted(counts.failed, 'file')],
    ['Cancelled', counted(counts.cancelled, 'file')],
    ['Started', time(startedAt)],
    ...(endedAt === null ? [] : [/** @type {[string, string]} */ (['Ended', time(endedAt)])]),
  ];
  return all.filter(([name, value]) => !(['Skipped', 'Cancelled'].includes(name) && value === '0 files'));
}

/** What the button to retry does. @param {JobView} job */
function retryWords({ counts: { failed, cancelled } }) {
  if (failed + cancelled === 0) return 'Copy the rest';
  if (failed === 0) return 'Copy what was cancelled';
  return cancelled === 0 ? 'Retry what failed' : 'Retry what failed or was cancelled';
}

/** @param {JobView} job @param {Forecast | undefined} forecast */
function dryRunWords(job, forecast) {
  if (!hasEnded(job)) return 'This is a dry run: nothing is copied.';
  const start = 'This was a dry run: nothing was copied.';
  if (forecast === undefined) return `${start} Reading what it found…`;
  const { copied, replaced, skipped, failed, isWhole, request } = forecast;
  const problems = `${failed === 0 ? 'No problem' : counted(failed, 'problem')} found`;
  const among = isWhole ? '' : ` among the first ${counted(copied + replaced + skipped + failed, 'file')}`;
  const parts = [
    [copied, 'would be copied'],
    [replaced, 'would be replaced'],
    [skipped, 'would be skipped'],
    [failed, 'would fail'],
  ].flatMap(([files, what]) => (Number(files) > 0 ? [`${count(Number(files))} ${what}`] : []));
  const again = request === undefined ? ' To copy them, start a new copy.' : '';
  if (parts.length === 0) return `${start} There was nothing to copy.`;
  return `${start} ${problems}${among}: ${parts.join(', ')}. Locks are not looked at.${again}`;
}

/** @param {import('./dry-runs.js').Row} row */
function failureItem({ fileName, message }) {
  const why = printable(foretoldFailure(message) ?? message);
  // A line of a manifest that could not be read names no file.
  if (fileName === '') return make('li', {}, why);
  return make('li', {}, make('span', { class: 'name', dir: 'auto' }, printable(fileName)), `: ${why}`);
}

/** @param {JobView} job */
function endWords({ state, counts }) {
  const failed = counts.failed === 0 ? '' : `, ${counted(counts.failed, 'file')} failed`;
  return `Job ${stateWords(state).toLowerCase()}: ${counted(counts.completed, 'file')} copied${failed}.`;
}

/** One job, live, with what can be done with it. Ends with the signal. */
export class JobPage {
  #id;
  #signal;
  #onError;
  #files;
  #pace = new Pace();
  /** @type {JobView | undefined} */
  #job;
  #problem = find('job-problem', HTMLElement);
  /** @type {Forecast | undefined} */
  #forecast;
  #isForetold = false;

  /**
   * @param {string} correlationId
   * @param {AbortSignal} signal
   * @param {(error: unknown) => void} onError
   */
  constructor(correlationId, signal, onError) {
    this.#id = correlationId;
    this.#signal = signal;
    this.#onError = onError;
    setText(find('job-id', HTMLElement), correlationId);
    const temporal = find('job-temporal', HTMLAnchorElement);
    const ui = document.body.dataset['temporalUi'] ?? '';
    // Not before it is known that there is such a job.
    temporal.hidden = true;
    temporal.href = `${ui}/${correlationId}`;
    find('job-details', HTMLElement).hidden = true;
    showProblem(this.#problem, undefined);
    this.#files = new FilesView(correlationId, signal, onError);
    this.#offerActions();
  }

  /** Follows the job until it ends or nobody looks any more. */
  async follow() {
    await followJob(this.#id, {
      signal: this.#signal,
      onJob: (job) => this.#show(job),
      onProblem: (problem) => {
        showProblem(this.#problem, problem);
        if (problem !== undefined) this.#onError(problem);
      },
    });
  }

  /** Reads what a job that may have been a dry run foretold; once it has ended, that does not change. @param {JobView} job */
  async #foretell(job) {
    const { completed, skipped } = job.counts;
    const mayBe = isKnownDryRun(this.#id) || (completed === 0 && skipped > 0);
    if (this.#isForetold || !hasEnded(job) || !mayBe) return;
    this.#isForetold = true;
    await this.#try(async () => {
      this.#forecast = await readForecast(this.#id, this.#signal);
      if (!this.#signal.aborted) this.#showDryRun(job);
    });
  }

  #offerActions() {
    const cancelDialog = find('cancel-dialog', HTMLDialogElement);
    this.#on('job-pause', async () => this.#show((await controlJob(this.#id, 'pause')).data));
    this.#on('job-resume', async () => this.#show((await controlJob(this.#id, 'resume')).data));
    this.#on('job-cancel', () => {
      cancelDialog.returnValue = '';
      cancelDialog.showModal();
      return Promise.resolve();
    });
    this.#on('job-retry', async () => this.#goTo((await retryJob(this.#id)).data.CorrelationId));
    this.#on('job-for-real', async () => {
      const request = this.#forecast?.request;
      if (request !== undefined) this.#goTo((await startCopy(request)).data.CorrelationId);
    });
    const cancel = async () => {
      if (cancelDialog.returnValue === 'cancel') this.#show((await controlJob(this.#id, 'cancel')).data);
    };
    cancelDialog.addEventListener('close', () => void this.#try(cancel), { signal: this.#signal });
    this.#signal.addEventListener('abort', () => cancelDialog.close('left'));
  }

  /** @param {string} id @param {() => Promise<void>} action */
  #on(id, action) {
    const button = find(id, HTMLButtonElement);
    button.hidden = true;
    button.disabled = false;
    const once = async () => {
      button.disabled = true;
      await this.#try(action);
      button.disabled = false;
    };
    button.addEventListener('click', () => void once(), { signal: this.#signal });
  }

  /** @param {() => Promise<void>} action */
  async #try(action) {
    try {
      await action();
      showProblem(this.#problem, undefined);
    } catch (error) {
      if (this.#signal.aborted) return;
      showProblem(this.#problem, error);
      this.#onError(error);
    }
  }

  /** @param {string} correlationId */
  #goTo(correlationId) {
    location.hash = `#/jobs/${correlationId}`;
  }

  /** @param {JobView} job */
  #show(job) {
    if (this.#signal.aborted) return;
    const before = this.#job;
    this.#job = job;
    this.#pace.note(job);
    find('job-details', HTMLElement).hidden = false;
    const temporal = find('job-temporal', HTMLAnchorElement);
    temporal.hidden = document.body.dataset['temporalUi'] === '';
    setBadge(find('job-state', HTMLElement), job.state);
    const { code, meaning, sentence } = reasonWords(job.message);
    const reason = find('job-reason', HTMLElement);
    reason.hidden = job.message === '';
    setText(reason, printable(meaning === '' ? sentence : `${meaning} (${code}: ${sentence})`));
    setProgress(find('job-bar', HTMLProgressElement), find('job-counts', HTMLElement), job);
    setText(find('job-speed', HTMLElement), paceWords(job, this.#pace));
    const list = find('job-facts', HTMLElement);
    list.replaceChildren(
      ...facts(job).map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
    );
    this.#updateActions(job);
    this.#showDryRun(job);
    void this.#foretell(job);
    this.#files.update(job);
    if (before !== undefined && before.state !== job.state) {
      announce(hasEnded(job) ? endWords(job) : `Job ${stateWords(job.state).toLowerCase()}.`);
    }
  }

  /** Buttons come and go with the state; whoever has the focus on one that goes is taken to the heading. @param {JobView} job */
  #updateActions(job) {
    const focused = document.activeElement;
    for (const { id, isOffered } of ACTIONS) find(id, HTMLButtonElement).hidden = !isOffered(job);
    setText(find('job-retry', HTMLButtonElement), retryWords(job));
    if (focused instanceof HTMLElement && focused.closest('[hidden]') !== null) {
      find('job-heading', HTMLElement).focus();
    }
  }

  /** @param {JobView} job */
  #showDryRun(job) {
    const forecast = this.#forecast;
    const isDryRun = forecast !== undefined || isKnownDryRun(this.#id);
    find('job-dry-run', HTMLElement).hidden = !isDryRun;
    const isDone = isDryRun && ['Completed', 'CompletedWithErrors'].includes(job.state);
    setText(find('job-meaning', HTMLElement), isDone ? 'Nothing was copied: a dry run.' : stateMeaning(job));
    const isOffered = isDone && forecast?.request !== undefined && job.counts.requested > 0;
    find('job-for-real', HTMLButtonElement).hidden = !isOffered;
    // What follows a dry run is the copy itself.
    if (isDryRun) find('job-retry', HTMLButtonElement).hidden = true;
    setText(find('job-dry-run-words', HTMLElement), dryRunWords(job, forecast));
    const failures = find('job-dry-run-failures', HTMLUListElement);
    const all = forecast?.failures ?? [];
    failures.hidden = all.length === 0;
    failures.replaceChildren(...all.map(failureItem));
    const more = (forecast?.failed ?? 0) - all.length;
    if (more > 0) failures.append(make('li', {}, `and ${count(more)} more`));
  }
}
