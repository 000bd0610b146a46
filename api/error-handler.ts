import type { ErrorHandler } from 'hono';
import type { Logger } from '../config/logger.ts';
import { AuthenticationError } from './auth/authentication-error.ts';
import type { ApiEnv } from './context.ts';
import { envelope } from './envelope.ts';
import { HttpError, RETRY_AFTER_SECONDS } from './http-error.ts';
import {
  JobEndedError,
  JobNotFoundError,
  JobNotRetryableError,
  JobOverSignalledError,
  RequestGivenUpError,
  ServiceUnavailableError,
} from './jobs/job-service.ts';
import { TEXTS } from './texts.ts';
import { jobView } from './views/job-view.ts';

/** The one place where errors become HTTP answers. An error that is not known here is a defect: 500, saying nothing. */
function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof AuthenticationError) {
    // RFC 6750 section 3.1: no error code where the request carried no token.
    const challenge = error.problem === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
    return new HttpError(401, TEXTS.unauthorized, { headers: { 'www-authenticate': challenge } });
  }
  if (error instanceof JobNotFoundError) return new HttpError(404, TEXTS.noRecords);
  if (error instanceof JobOverSignalledError)
    return new HttpError(409, TEXTS.jobOverSignalled, { data: jobView(error.status) });
  if (error instanceof JobEndedError) return new HttpError(409, TEXTS.jobEnded, { data: jobView(error.status) });
  if (error instanceof JobNotRetryableError) {
    const text = error.problem === 'unsettled' ? TEXTS.jobUnsettled : TEXTS.nothingToRetry;
    return new HttpError(409, text, { data: jobView(error.status) });
  }
  if (error instanceof ServiceUnavailableError || error instanceof RequestGivenUpError) {
    return new HttpError(503, TEXTS.unavailable, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
  }
  return new HttpError(500, TEXTS.internal);
}

/** Why a request was refused, where the log should say more than the answer does. */
function logCause(log: Logger, error: unknown, correlationId: string | undefined): void {
  if (error instanceof AuthenticationError) log.info({ reason: error.message, correlationId }, 'token refused');
  else if (error instanceof ServiceUnavailableError) {
    log.warn({ err: error, dependency: error.dependency, correlationId }, `dependency ${error.problem}`);
  } else if (toHttpError(error).status === 500) log.error({ err: error, correlationId }, 'request failed');
}

/** Hono's error handler: maps the error, logs what the caller is not told, and answers in the envelope. */
export function createErrorHandler(log: Logger): ErrorHandler<ApiEnv> {
  return function answerError(error, c) {
    logCause(log, error, c.get('correlationId'));
    const { status, message, data, headers } = toHttpError(error);
    return c.json(envelope(status, message, data), status, headers);
  };
}
