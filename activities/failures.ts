import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { isRetryable, reason, type ReasonCode } from '../contract/reasons.ts';
import { StorageError, type StorageErrorKind } from '../storage/errors.ts';

/** A longer Retry-After is not heeded: it would stop a job for good where storage, or a proxy before it, errs. */
const MAX_RETRY_DELAY_MS = 10 * 60_000;

/**
 * The failure of an activity, as Temporal's Web UI shows it and the workflow records it: the type is the reason's code,
 * the message `CODE: sentence`, the one detail the number of retries so far. Whether Temporal tries again follows from
 * the code.
 */
export function failure(
  code: ReasonCode,
  sentence: string,
  {
    cause,
    retryAfterMs,
    retry = isRetryable(code),
  }: { cause?: unknown; retryAfterMs?: number | undefined; retry?: boolean } = {},
): ApplicationFailure {
  return ApplicationFailure.create({
    message: reason(code, sentence),
    type: code,
    nonRetryable: !retry,
    details: [Context.current().info.attempt - 1],
    ...(cause instanceof Error ? { cause } : {}),
    // Nothing to wait for leaves Temporal to its own back-off; a delay of 0 would switch that off.
    ...(retryAfterMs ? { nextRetryDelay: Math.min(retryAfterMs, MAX_RETRY_DELAY_MS) } : {}),
  });
}

const CODES: Record<StorageErrorKind, ReasonCode> = {
  notFound: 'STORAGE_REFUSED',
  preconditionFailed: 'STORAGE_REFUSED',
  rateLimited: 'STORAGE_RATE_LIMITED',
  unavailable: 'STORAGE_UNAVAILABLE',
  retention: 'RETENTION_POLICY',
  forbidden: 'STORAGE_FORBIDDEN',
  requesterPays: 'REQUESTER_PAYS',
  refused: 'STORAGE_REFUSED',
  malformed: 'INTERNAL_ERROR',
};

/** What storage refused of a file, as an activity's failure; anything else is returned as it is. */
export function toFailure(error: unknown): unknown {
  return error instanceof StorageError ? ofStorage(error, {}) : error;
}

/**
 * What storage refused of the service's own objects. Always worth another try: a control bucket that is missing, or
 * may not be used, is for the operator to mend, and the job goes on from there.
 */
export function toControlFailure(error: unknown): unknown {
  return error instanceof StorageError ? ofStorage(error, { retry: true }) : error;
}

/** What storage refused of a file, as its record tells it. */
export function refusalReason(error: StorageError): string {
  return reason(CODES[error.kind], sentenceOf(error));
}

function sentenceOf(error: StorageError): string {
  return `Cloud Storage answered: ${error.message}`;
}

function ofStorage(error: StorageError, options: { retry?: boolean }): ApplicationFailure {
  return failure(CODES[error.kind], sentenceOf(error), {
    cause: error,
    retryAfterMs: error.retryAfterMs,
    ...options,
  });
}
