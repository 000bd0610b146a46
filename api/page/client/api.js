import { token } from './token.js';

/** @import { JobView } from '../../schemas/job.ts' */
/** @import { LogRecord } from '../../schemas/log-record.ts' */
/** @import { Paging } from '../../schemas/paging.ts' */

/** An answer of the service other than the one that was hoped for, in words. */
export class ApiError extends Error {
  /**
   * @param {number} status @param {string} message @param {unknown} data
   * @param {string | undefined} [rejectedJob] correlation id of the job whose record says why access was refused
   */
  constructor(status, message, data, rejectedJob) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.data = data;
    this.rejectedJob = rejectedJob;
  }
}

/** The service could not be reached. */
const UNREACHABLE = 'The service cannot be reached. Trying again…';

const WORDS_BY_STATUS = new Map([
  [429, 'Too many requests at a time. Please try again in a moment.'],
  [503, 'The service is not available at the moment (Temporal or storage does not answer).'],
]);

/** The token that was last accepted: one that never was is another mistake than one that has expired. */
let accepted = '';

/**
 * Asks the service, with the token. Throws ApiError, also where there is no answer (status 0).
 * @param {string} path relative to the page
 * @param {Omit<RequestInit, 'headers'> & { headers?: Record<string, string> | undefined }} [init]
 * @returns {Promise<Response>}
 */
export async function ask(path, { headers = {}, ...init } = {}) {
  const sent = token() ?? '';
  const response = await fetch(path, {
    ...init,
    cache: 'no-store',
    headers: { ...headers, authorization: `Bearer ${sent}` },
  }).catch((/** @type {unknown} */ error) => {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, UNREACHABLE, null);
  });
  if (response.ok) {
    accepted = sent;
    return response;
  }
  const body = /** @type {{ status?: { message?: string }, data?: unknown }} */ (
    await response.json().catch(() => ({}))
  );
  const words =
    response.status === 401
      ? tokenWords(sent)
      : (scopeWords(response) ??
        WORDS_BY_STATUS.get(response.status) ??
        body.status?.message ??
        `The service answered ${response.status}`);
  throw new ApiError(response.status, words, body.data ?? null, rejectedJobOf(response));
}

/**
 * A token that lacks a scope is refused before there is a job, and that is said in a header.
 * @param {Response} response
 */
function rejectedJobOf({ status, headers }) {
  return status === 403 && !headers.has('www-authenticate')
    ? (headers.get('x-correlation-id') ?? undefined)
    : undefined;
}

/** @param {Response} response @returns {string | undefined} undefined: it is not for want of a scope */
function scopeWords({ status, headers }) {
  const [, scopes] = (status === 403 && /scope="([\w ]+)"/.exec(headers.get('www-authenticate') ?? '')) || [];
  return scopes && `This token may not do that: it has to have the scopes ${scopes.replaceAll(' ', ' and ')}.`;
}

/** @param {string} refused */
function tokenWords(refused) {
  return refused === accepted
    ? 'The token is not accepted any more. Please paste a new one.'
    : 'This token is not accepted: it must be a JWT of the issuer this service trusts, and not have expired.';
}

/**
 * @template Body
 * @param {string} path
 * @param {Record<string, string | undefined>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Body>}
 */
async function get(path, query = {}, signal) {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(/** @type {[string, string][]} */ (entries)).toString();
  const response = await ask(text === '' ? path : `${path}?${text}`, signal ? { signal } : {});
  return /** @type {Body} */ (await response.json());
}

/**
 * @template Body
 * @param {string} path
 * @param {unknown} [content]
 * @returns {Promise<Body>}
 */
async function post(path, content) {
  /** @type {Record<string, string>} */
  const headers = { 'content-type': 'application/json' };
  // Where the address is not a secure one, the service makes the id.
  if (window.isSecureContext && content !== undefined) headers['x-correlation-id'] = crypto.randomUUID();
  const body = content === undefined ? null : JSON.stringify(content);
  const response = await ask(path, { method: 'POST', headers, body });
  return /** @type {Body} */ (await response.json());
}

/**
 * @param {{ state?: string | undefined, continuationToken?: string | undefined, limit: string }} query
 * @param {AbortSignal} signal
 * @returns {Promise<{ data: JobView[], paging: Paging }>}
 */
export function listJobs(query, signal) {
  return get('apollo/files/copy', query, signal);
}

/**
 * @param {{ correlationId: string, state?: string | undefined, continuationToken?: string | undefined, limit: string }} query
 * @param {AbortSignal} signal
 * @returns {Promise<{ data: LogRecord[], paging: Paging, job: JobView }>}
 */
export function readFiles(query, signal) {
  return get('apollo/status/logs', query, signal);
}

/**
 * The rows of a job's report, as they come. Leaving off reading ends the answer.
 * @param {string} correlationId
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<import('./dry-runs.js').Row, void, undefined>}
 */
export async function* readReport(correlationId, signal) {
  const { body } = await ask(`apollo/files/copy/${correlationId}/report?format=ndjson`, { signal });
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  } finally {
    await reader.cancel();
  }
}

/**
 * @param {'readonly' | 'readwrite'} minPermission
 * @returns {Promise<{ data: { collectionId: string, collectionName: string }[] }>}
 */
export function listCollections(minPermission) {
  return get('apollo/collections', { minPermission });
}

/**
 * @param {unknown} request
 * @returns {Promise<{ data: { CorrelationId: string } }>}
 */
export function startCopy(request) {
  return post('apollo/files/copy', request);
}

/**
 * @param {string} correlationId
 * @param {'cancel' | 'pause' | 'resume'} action
 * @returns {Promise<{ data: JobView }>}
 */
export function controlJob(correlationId, action) {
  return post(`apollo/files/copy/${correlationId}/${action}`);
}

/**
 * @param {string} correlationId
 * @returns {Promise<{ data: { CorrelationId: string } }>}
 */
export function retryJob(correlationId) {
  return post(`apollo/files/copy/${correlationId}/retry`);
}
