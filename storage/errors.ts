/** Errors of Cloud Storage, classified once for the whole service. */

/**
 * - `notFound`: 404, the object or its bucket
 * - `preconditionFailed`: 412 (and 304), somebody else was faster
 * - `rateLimited`: 429
 * - `unavailable`: 408, 5xx, 401 (credentials are renewed from outside), no answer, half an answer or no connection
 * - `retention`: 403, a retention policy or hold forbids it
 * - `forbidden`: 403 for any other reason
 * - `requesterPays`: 400, the bucket bills its requester
 * - `refused`: any other 4xx
 * - `malformed`: an object was read, but is not the JSON that it is to be
 */
export type StorageErrorKind =
  | 'notFound'
  | 'preconditionFailed'
  | 'rateLimited'
  | 'unavailable'
  | 'retention'
  | 'forbidden'
  | 'requesterPays'
  | 'refused'
  | 'malformed';

/** A request Cloud Storage did not carry out. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** What the answer's Retry-After asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: StorageErrorKind,
    message: string,
    options: { status?: number | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }

  /**
   * Whether the same request may succeed later: what Google's retry strategy names
   * (cloud.google.com/storage/docs/retry-strategy).
   */
  get isTransient(): boolean {
    return this.kind === 'rateLimited' || this.kind === 'unavailable';
  }
}

export function isStorageError(error: unknown, kind?: StorageErrorKind): error is StorageError {
  return error instanceof StorageError && (kind === undefined || error.kind === kind);
}

const RETENTION_REASONS = new Set(['retentionPolicyNotMet', 'objectUnderActiveHold', 'softDeletePolicyNotMet']);
const RATE_REASONS = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded']);

/** What the JSON API says where it fails (cloud.google.com/storage/docs/json_api/v1/status-codes). */
interface ErrorBody {
  error?: { message?: unknown; errors?: unknown };
}

/** The error that an answer stands for. `retryAfter` is that header. */
export function responseError(status: number, body: string, retryAfter: string | undefined): StorageError {
  const { message, reasons } = readErrorBody(body);
  return new StorageError(
    kindOf(status, reasons),
    `${status}: ${message ?? (body.slice(0, 200) || 'no reason given')}`,
    {
      status,
      retryAfterMs: retryAfter === undefined ? undefined : retryAfterMs(retryAfter),
    },
  );
}

/**
 * What a request ended in that got no answer. What is no failure of the connection is a defect and returned as it is.
 */
export function connectionError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error;
  const { code } = error as { code?: unknown };
  // System errors and those of the HTTP client have a textual code; a time-out is a DOMException.
  const isConnection = typeof code === 'string' && code !== 'UND_ERR_INVALID_ARG';
  if (!isConnection && error.name !== 'TimeoutError') return error;
  return new StorageError('unavailable', error.message || String(code), { cause: error });
}

/** Why a request was not sent: no credentials can be had, for now. */
export function noCredentials(cause: unknown): StorageError {
  return new StorageError('unavailable', 'no credentials for Cloud Storage can be had', { cause });
}

function readErrorBody(body: string): { message: string | undefined; reasons: string[] } {
  let parsed: ErrorBody | null = null;
  try {
    parsed = JSON.parse(body) as ErrorBody | null;
  } catch {
    // Proxies in between answer with pages or nothing.
  }
  const { message, errors } = parsed?.error ?? {};
  const reasons = Array.isArray(errors)
    ? errors
        .map((item: unknown) => (item as { reason?: unknown } | null)?.reason)
        .filter((text) => typeof text === 'string')
    : [];
  return { message: typeof message === 'string' ? message : undefined, reasons };
}

function kindOf(status: number, reasons: string[]): StorageErrorKind {
  if (status === 404) return 'notFound';
  if (status === 412 || status === 304) return 'preconditionFailed';
  if (status === 429 || reasons.some((reason) => RATE_REASONS.has(reason))) return 'rateLimited';
  if (status === 408 || status === 401 || status >= 500) return 'unavailable';
  if (reasons.some((reason) => RETENTION_REASONS.has(reason))) return 'retention';
  if (reasons.includes('userProjectMissing')) return 'requesterPays';
  return status === 403 ? 'forbidden' : 'refused';
}

/** Retry-After as seconds or as a date (RFC 9110, section 10.2.3), in milliseconds from now. */
function retryAfterMs(value: string): number | undefined {
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
