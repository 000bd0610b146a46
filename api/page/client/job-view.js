import { controlJob, retryJob, startCopy } from './api.js';
import { announce, find, make, setText, showProblem } from './dom.js';
import { dryRuns } from './dry-runs.js';
import { followJob } from './events.js';
import { FilesView } from './files-view.js';
import { counted, reasonWords, size, stateWords, time } from './format.js';
import { hasEnded, setBadge, setProgress, stateMeaning } from './job-parts.js';
import { Pace, paceWords } from './pace.js';

/** @import { JobView } from '../../schemas/job.ts' */

/** What can be done with a job, and when. @type {readonly { id: string, isOffered: (job: JobView) => boolean }[]} */
const ACTIONS = [
  { id: 'job-pause', isOffered: ({ state }) => ['Requested', 'Processing'].includes(state) },
  { id: 'job-resume', isOffered: ({ state }) => state === 'Paused' },
  { id: 'job-cancel', isOffered: ({ state }) => ['Requested', 'Processing', 'Paused'].includes(state) },
  {
    id: 'job-retry',
    isOffered: (job) => hasEnded(job) && job.counts.pending === 0 && job.counts.failed + job.counts.cancelled > 0,
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
    temporal.hidden = ui === '';
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
      const request = dryRuns.get(this.#id);
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
    setBadge(find('job-state', HTMLElement), job.state);
    setText(find('job-meaning', HTMLElement), stateMeaning(job.state));
    const { code, meaning, sentence } = reasonWords(job.message);
    const reason = find('job-reason', HTMLElement);
    reason.hidden = job.message === '';
    setText(reason, meaning === '' ? sentence : `${meaning} (${code}: ${sentence})`);
    setProgress(find('job-bar', HTMLProgressElement), find('job-counts', HTMLElement), job);
    setText(find('job-speed', HTMLElement), paceWords(job, this.#pace));
    const list = find('job-facts', HTMLElement);
    list.replaceChildren(
      ...facts(job).map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
    );
    this.#updateActions(job);
    this.#files.update(job);
    if (before !== undefined && before.state !== job.state) {
      announce(hasEnded(job) ? endWords(job) : `Job ${stateWords(job.state).toLowerCase()}.`);
    }
  }

  /** Buttons come and go with the state; whoever has the focus on one that goes is taken to the heading. @param {JobView} job */
  #updateActions(job) {
    const focused = document.activeElement;
    for (const { id, isOffered } of ACTIONS) find(id, HTMLButtonElement).hidden = !isOffered(job);
    const dry = find('job-dry-run', HTMLElement);
    dry.hidden = !dryRuns.has(this.#id);
    find('job-for-real', HTMLButtonElement).hidden = job.state !== 'Completed';
    setText(
      find('job-dry-run-words', HTMLElement),
      hasEnded(job)
        ? `This was a dry run: nothing was copied. ${counted(job.counts.skipped, 'file')} looked at, ${counted(job.counts.failed, 'problem')} found; each file says below what would happen.`
        : 'This is a dry run: nothing is copied.',
    );
    if (focused instanceof HTMLElement && focused.closest('[hidden]') !== null) {
      find('job-heading', HTMLElement).focus();
    }
  }
}
