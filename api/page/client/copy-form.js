import { ApiError, listCollections, readFiles, startCopy } from './api.js';
import { find, make, setText, showProblem } from './dom.js';
import { keepRequest } from './dry-runs.js';
import { printable, reasonWords, shortName } from './format.js';

const MAX_MISTAKES_SHOWN = 20;

/**
 * What the form asks for, as the service takes it.
 * @param {FormData} form
 */
function requestOf(form) {
  const text = (/** @type {string} */ name) => {
    const value = form.get(name);
    return typeof value === 'string' ? value : '';
  };
  const sourceCollectionId = text('source');
  const destinationCollectionId = text('destination');
  const options = { overwrite: text('overwrite'), onLocked: text('onLocked') };
  if (text('what') === 'manifest') {
    return { manifest: { collectionId: sourceCollectionId, fileName: text('manifest') }, options };
  }
  if (text('what') === 'prefix') {
    return { collection: { sourceCollectionId, destinationCollectionId, prefix: text('prefix') }, options };
  }
  // A name may begin or end with spaces, so that nothing is trimmed but the line's end.
  const names = text('files')
    .split(/\r?\n/)
    .filter((name) => name !== '');
  return {
    copyFileCollectionData: names.map((fileName) => ({ sourceCollectionId, destinationCollectionId, fileName })),
    options,
  };
}

/**
 * What the service found wrong, one a line.
 * @param {unknown} data
 * @param {string[]} names of the files that were asked for
 * @returns {string[]}
 */
function mistakesIn(data, names) {
  const { Errors = [], Files = [] } =
    /** @type {{ Errors?: { path: string, message: string }[], Files?: { collectionId: string, fileName: string, message?: string }[] }} */ (
      data ?? {}
    );
  /** Files by their number, from 1. */
  const numbered = (/** @type {string} */ text, /** @type {(index: number) => string} */ words) =>
    text.replace(/copyFileCollectionData\[(\d+)\](?:\.\w+)?/g, (_, index) => words(Number(index)));
  const number = (/** @type {number} */ index) => `file ${index + 1}`;
  const numberAndName = (/** @type {number} */ index) => {
    const name = names[index];
    return `File ${index + 1}${name === undefined ? '' : ` (${shortName(name)})`}`;
  };
  const wrong = Errors.map(({ path, message }) =>
    `${numbered(path, numberAndName)} ${numbered(message, number)}`.trim(),
  );
  return [
    ...wrong,
    ...Files.map(({ collectionId, fileName, message }) =>
      message === undefined ? `${fileName} in ${collectionId} is locked` : `${collectionId}/${fileName}: ${message}`,
    ),
  ];
}

/**
 * @param {unknown} error
 * @param {string[]} names of the files that were asked for
 */
function showRefusal(error, names = []) {
  showProblem(find('copy-problem', HTMLElement), error);
  const mistakes = error instanceof ApiError ? mistakesIn(error.data, names) : [];
  const more = mistakes.length - MAX_MISTAKES_SHOWN;
  const shown = mistakes.slice(0, MAX_MISTAKES_SHOWN).map((mistake) => make('li', {}, printable(mistake)));
  if (more > 0) shown.push(make('li', {}, `and ${more} more`));
  find('copy-mistakes', HTMLUListElement).replaceChildren(...shown);
}

/**
 * Where access was refused, its job says to what.
 * @param {unknown} error
 * @param {AbortSignal} signal
 */
async function showReason(error, signal) {
  if (!(error instanceof ApiError) || error.rejectedJob === undefined) return;
  const { job } = await readFiles({ correlationId: error.rejectedJob, limit: '1' }, signal);
  if (signal.aborted) return;
  const link = make('a', { href: `#/jobs/${error.rejectedJob}` }, 'The rejected job');
  const reason = make('li', {}, printable(reasonWords(job.message).sentence));
  find('copy-mistakes', HTMLUListElement).replaceChildren(reason, make('li', {}, link));
}

/**
 * @param {HTMLSelectElement} select
 * @param {{ collectionId: string, collectionName: string }[]} collections
 * @param {string} none said where there is none
 */
function fill(select, collections, none) {
  const chosen = select.value;
  const first = collections.length === 0 ? none : 'Choose…';
  select.replaceChildren(
    make('option', { value: '' }, first),
    ...collections.map(({ collectionId, collectionName }) =>
      make(
        'option',
        { value: collectionId },
        printable(collectionName === collectionId ? collectionId : `${collectionName} (${collectionId})`),
      ),
    ),
  );
  select.value = collections.some(({ collectionId }) => collectionId === chosen) ? chosen : '';
}

/**
 * The form that starts a copy. Ends with the signal.
 * @param {AbortSignal} signal
 * @param {(error: unknown) => void} onError
 */
export async function showCopyForm(signal, onError) {
  const form = find('copy-form', HTMLFormElement);
  const submit = find('copy-submit', HTMLButtonElement);
  const dryRun = find('copy-dry-run', HTMLInputElement);

  const arrange = () => {
    const isFiles = find('what-files', HTMLInputElement).checked;
    const isManifest = find('what-manifest', HTMLInputElement).checked;
    find('copy-files-field', HTMLElement).hidden = !isFiles;
    find('copy-files', HTMLTextAreaElement).required = isFiles;
    find('copy-prefix-field', HTMLElement).hidden = isFiles || isManifest;
    find('copy-manifest-field', HTMLElement).hidden = !isManifest;
    find('copy-manifest', HTMLInputElement).required = isManifest;
    // A manifest says itself where its files are copied from and to.
    setText(find('copy-source-label', HTMLElement), isManifest ? 'Collection of the manifest' : 'From collection');
    find('copy-destination-field', HTMLElement).hidden = isManifest;
    find('copy-destination', HTMLSelectElement).required = !isManifest;
    setText(submit, dryRun.checked ? 'Start dry run' : 'Start copying');
  };
  form.addEventListener('change', arrange, { signal });
  arrange();
  showRefusal(undefined);

  const send = async () => {
    submit.disabled = true;
    const request = requestOf(new FormData(form));
    try {
      const isDryRun = dryRun.checked;
      const sent = isDryRun ? { ...request, options: { ...request.options, dryRun: true } } : request;
      const { data } = await startCopy(sent);
      if (isDryRun) keepRequest(data.CorrelationId, request);
      if (!signal.aborted) location.hash = `#/jobs/${data.CorrelationId}`;
    } catch (error) {
      showRefusal(
        error,
        request.copyFileCollectionData?.map(({ fileName }) => fileName),
      );
      find('copy-problem', HTMLElement).focus();
      onError(error);
      await showReason(error, signal).catch(() => undefined);
    } finally {
      submit.disabled = false;
    }
  };
  form.addEventListener(
    'submit',
    (event) => {
      event.preventDefault();
      void send();
    },
    { signal },
  );

  try {
    const [readable, writable] = await Promise.all([listCollections('readonly'), listCollections('readwrite')]);
    if (signal.aborted) return;
    fill(find('copy-source', HTMLSelectElement), readable.data, 'You may read no collection');
    fill(find('copy-destination', HTMLSelectElement), writable.data, 'You may write to no collection');
  } catch (error) {
    showRefusal(error);
    onError(error);
  }
}
