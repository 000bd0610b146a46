import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { LockedFile, RequestError } from '../contract/messages.ts';
import { TEXTS } from './texts.ts';

interface HttpErrorInit {
  data?: object | null;
  headers?: Readonly<Record<string, string>>;
}

/** An answer other than success, thrown by whoever finds out; error-handler.ts turns it into the response. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: ContentfulStatusCode;
  readonly data: object | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ContentfulStatusCode, message: string, { data = null, headers = {} }: HttpErrorInit = {}) {
    super(message);
    this.status = status;
    this.data = data;
    this.headers = headers;
  }
}

/** 400 with all mistakes of the request. */
export function invalidRequest(errors: readonly RequestError[], message: string = TEXTS.invalid): HttpError {
  return new HttpError(400, message, { data: { Errors: errors } });
}

/** 403 for a collection that the caller may not use, or that does not exist: not told apart. */
export function accessDenied(): HttpError {
  return new HttpError(403, TEXTS.forbidden);
}

/** 403 for a token without the scopes a route needs (RFC 6750 section 3.1, insufficient_scope). */
export function insufficientScope(needed: readonly string[]): HttpError {
  const challenge = `Bearer error="insufficient_scope", scope="${needed.join(' ')}"`;
  return new HttpError(403, TEXTS.forbidden, { headers: { 'www-authenticate': challenge } });
}

/** 423 with the files that another job, or somebody by hand, holds locked. */
export function locked(files: readonly LockedFile[]): HttpError {
  return new HttpError(423, TEXTS.locked, { data: { Files: files } });
}

/** What an answer asks a caller to wait, in seconds: about what Temporal's client needs to reconnect. */
export const RETRY_AFTER_SECONDS = 5;

/** 429 where a caller has taken their share of the service, 503 where everything is taken. */
export function overloaded(by: 'caller' | 'service'): HttpError {
  const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
  return by === 'caller'
    ? new HttpError(429, TEXTS.tooMany, { headers })
    : new HttpError(503, TEXTS.unavailable, { headers });
}

/** 409 for a job that was ended by force before it was decided. */
export function jobAbandoned(): HttpError {
  return new HttpError(409, TEXTS.jobAbandoned);
}

/** 409 for a correlation id that names another job. */
export function correlationIdInUse(): HttpError {
  return new HttpError(409, TEXTS.correlationIdInUse);
}
