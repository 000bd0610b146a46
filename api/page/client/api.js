import { token } from './token.js';

/** @import { JobView } from '../../schemas/job.ts' */
/** @import { LogRecord } from '../../schemas/log-record.ts' */
/** @import { Paging } from '../../schemas/paging.ts' */

/** An answer of the service other than the one that was hoped for, in words. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {unknown} data */
  constructor(status, message, data) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.data = data;
  }
}

/** The service could not be reached. */
const UNREACHABLE = 'The service cannot be reached. Trying again…';

const WORDS_BY_STATUS = new Map([
  [401, 'The token is not accepted any more. Please paste a new one.'],
  [429, 'Too many requests at a time. Please try again in a moment.'],
  [503, 'The service is not available at the moment (Temporal or storage does not answer).'],
]);

/**
 * Asks the service, with the token. Throws ApiError, also where there is no answer (status 0).
 * @param {string} path relative to the page
 * @param {Omit<RequestInit, 'headers'> & { headers?: Record<string, string> | undefined }} [init]
 * @returns {Promise<Response>}
 */
export async function ask(path, { headers = {}, ...init } = {}) {
  const response = await fetch(path, {
    ...init,
    cache: 'no-store',
    headers: { ...headers, authorization: `Bearer ${token() ?? ''}` },
  }).catch((/** @type {unknown} */ error) => {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, UNREACHABLE, null);
  });
  if (response.ok) return response;
  const body = /** @type {{ status?: { message?: string }, data?: unknown }} */ (
    await response.json().catch(() => ({}))
  );
  const words =
    WORDS_BY_STATUS.get(response.status) ?? body.status?.message ?? `The service answered ${response.status}`;
  throw new ApiError(response.status, words, body.data ?? null);
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
