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

/** The parts of the client library's ApiError, and of what its HTTP layer throws, that matter here. */
interface ErrorShape {
  code?: unknown;
  message?: unknown;
  type?: unknown;
  errors?: unknown;
  response?: { statusCode?: unknown; headers?: unknown };
}

const RETENTION_REASONS = new Set(['retentionPolicyNotMet', 'objectUnderActiveHold', 'softDeletePolicyNotMet']);
const RATE_REASONS = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded']);

/**
 * Turns what the client library threw into a StorageError. What is neither an answer of the service nor a failure of
 * the connection is a defect and is returned as it is.
 */
export function toStorageError(error: unknown): unknown {
  if (error instanceof StorageError || typeof error !== 'object' || error === null) return error;
  const shape = error as ErrorShape;
  const message = typeof shape.message === 'string' ? shape.message : 'Cloud Storage failed';
  const status = statusOf(shape);
  if (status !== undefined) {
    const reasons = reasonsOf(shape);
    return new StorageError(kindOf(status, reasons), `${status}: ${message}`, {
      status,
      retryAfterMs: retryAfterOf(shape),
      cause: error,
    });
  }
  // An answer that is no JSON, or not all of it.
  if (error instanceof SyntaxError) return new StorageError('unavailable', message, { cause: error });
  // Node's system errors have a textual code, the HTTP layer's time-outs a type.
  if (typeof shape.code === 'string' || typeof shape.type === 'string') {
    return new StorageError('unavailable', message, { cause: error });
  }
  return error;
}

function statusOf({ code, response }: ErrorShape): number | undefined {
  for (const candidate of [code, response?.statusCode]) {
    const status = typeof candidate === 'string' ? Number(candidate) : candidate;
    if (typeof status === 'number' && status >= 300 && status <= 599) return status;
  }
  return undefined;
}

function reasonsOf({ errors }: ErrorShape): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((item: unknown) => {
    const reason = (item as { reason?: unknown } | null)?.reason;
    return typeof reason === 'string' ? [reason] : [];
  });
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
function retryAfterOf({ response }: ErrorShape): number | undefined {
  const headers = response?.headers;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value = (headers as Record<string, unknown>)['retry-after'];
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
