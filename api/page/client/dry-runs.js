import { readReport } from './api.js';

/** @typedef {{ sourceCollectionId: string, destinationCollectionId: string, fileName: string, destinationFileName: string, state: string, message: string }} Row */

/**
 * What a dry run said: files by what would happen to them, the first ones that would fail, whether all files were looked
 * at, and the request that copies them, where it is known.
 * @typedef {{ copied: number, replaced: number, skipped: number, failed: number, failures: Row[], isWhole: boolean, request: unknown }} Forecast
 */

/** Requests that were tried without copying are kept for the tab, by the dry run's correlation id. */
const KEY = 'apollo.dry-run.';

/** Those that the tab has no room for, until it is loaded again. @type {Map<string, unknown>} */
const unkept = new Map();

/** So many files of a dry run are read, and so many are asked for again by name where nobody kept the request. */
const MAX_ROWS = 100_000;
const MAX_NAMED = 1_000;

const MAX_FAILURES = 10;

/**
 * What messages of files say that a dry run has looked at: how they begin, and how they go on.
 * @typedef {{ foretold: string, copied: string, replaced: string, skipped: string, failed: string }} Words
 */

/** @type {Words | undefined} */
let words;

/** As the page was given them. @returns {Words} */
function dryRunWords() {
  return (words ??= /** @type {Words} */ (JSON.parse(document.body.dataset['dryRun'] ?? '')));
}

/** @param {string} correlationId @param {unknown} request what to send to copy for real */
export function keepRequest(correlationId, request) {
  try {
    sessionStorage.setItem(KEY + correlationId, JSON.stringify(request));
  } catch {
    // A long list is more than a browser keeps (QuotaExceededError).
    unkept.set(correlationId, request);
  }
}

export function forgetRequests() {
  unkept.clear();
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEY)) sessionStorage.removeItem(key);
}

/** @param {string} correlationId @returns {unknown} undefined where it is not kept here */
function keptRequest(correlationId) {
  const text = sessionStorage.getItem(KEY + correlationId);
  return text === null ? unkept.get(correlationId) : JSON.parse(text);
}

/** Whether this tab started it as a dry run. @param {string} correlationId */
export function isKnownDryRun(correlationId) {
  return keptRequest(correlationId) !== undefined;
}

/**
 * Of a file that a dry run found would fail: why. @param {string} message
 * @returns {string | undefined} undefined where it would not fail
 */
export function foretoldFailure(message) {
  const { foretold, failed } = dryRunWords();
  const beginning = `${foretold}${failed}: `;
  return message.startsWith(beginning) ? message.slice(beginning.length) : undefined;
}

/**
 * Reads what a job that has ended foretold of its files. Throws ApiError.
 * @param {string} correlationId
 * @param {AbortSignal} signal
 * @returns {Promise<Forecast | undefined>} undefined where it was no dry run
 */
export async function readForecast(correlationId, signal) {
  /** @type {Forecast} */
  const forecast = { copied: 0, replaced: 0, skipped: 0, failed: 0, failures: [], isWhole: true, request: undefined };
  /** @type {Row[]} */
  const named = [];
  let rows = 0;
  let isDryRun = isKnownDryRun(correlationId);
  for await (const row of readReport(correlationId, signal)) {
    if (rows === MAX_ROWS) {
      forecast.isWhole = false;
      break;
    }
    rows += 1;
    isDryRun ||= row.message.startsWith(dryRunWords().foretold);
    // Files of a dry run are foretold one and all, but for lines that are none and what was cancelled.
    if (!isDryRun && row.state === 'Skipped') return undefined;
    note(forecast, row);
    if (rows <= MAX_NAMED) named.push(row);
  }
  if (!isDryRun) return undefined;
  const rebuilt = forecast.isWhole && rows === named.length ? requestOf(named) : undefined;
  return { ...forecast, request: keptRequest(correlationId) ?? rebuilt };
}

/** @param {Forecast} forecast @param {Row} row */
function note(forecast, row) {
  const { foretold, copied, replaced } = dryRunWords();
  if (row.state === 'Failed' || foretoldFailure(row.message) !== undefined) {
    forecast.failed += 1;
    if (forecast.failures.length < MAX_FAILURES) forecast.failures.push(row);
  } else if (row.message.startsWith(foretold + copied)) forecast.copied += 1;
  else if (row.message.startsWith(foretold + replaced)) forecast.replaced += 1;
  else forecast.skipped += 1;
}

/**
 * The request of a dry run that somebody else started, by its files. What is there already is treated as was foretold.
 * @param {Row[]} rows
 */
function requestOf(rows) {
  const { foretold, replaced, skipped } = dryRunWords();
  const isForetold = (/** @type {string} */ code) => rows.some(({ message }) => message.endsWith(code));
  const overwrite = isForetold(`${skipped}: DESTINATION_EXISTS`)
    ? 'never'
    : isForetold(`${skipped}: DESTINATION_UNCHANGED`)
      ? 'ifDifferent'
      : rows.some(({ message }) => message.startsWith(foretold + replaced))
        ? 'always'
        : // Nothing was there, and nothing was to be replaced.
          'never';
  const files = rows.filter(({ state }) => state !== 'Failed');
  if (files.length === 0) return undefined;
  return {
    copyFileCollectionData: files.map((row) => ({
      sourceCollectionId: row.sourceCollectionId,
      destinationCollectionId: row.destinationCollectionId,
      fileName: row.fileName,
      destinationFileName: row.destinationFileName,
    })),
    options: { overwrite },
  };
}
