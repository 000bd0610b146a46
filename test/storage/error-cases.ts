import type { StorageErrorKind } from '../../storage/errors.ts';
import { alterBody, answerError, breakAnswer, resetBefore, type Fault } from '../support/storage-proxy/index.ts';

export interface ErrorCase {
  title: string;
  fault: Fault;
  kind: StorageErrorKind;
  status?: number;
  /** Whether it shows only where an answer has to be JSON. */
  showsInJson?: boolean;
  /** Milliseconds, with what the clock may take off. */
  retryAfterMs?: { atLeast: number; atMost: number };
}

const seconds = (retryAfter: number) => ({ atLeast: retryAfter * 1_000, atMost: retryAfter * 1_000 });

/** What storage may answer, or not, and what it is to be taken for. */
export const ERROR_CASES: readonly ErrorCase[] = [
  { title: '429', fault: answerError(429, { reason: 'rateLimitExceeded' }), kind: 'rateLimited', status: 429 },
  {
    title: '429 with Retry-After in seconds',
    fault: answerError(429, { headers: { 'retry-after': '7' } }),
    ...{ kind: 'rateLimited', status: 429, retryAfterMs: seconds(7) },
  },
  {
    title: '503 with Retry-After as a date',
    fault: (...args) => {
      const date = new Date(Date.now() + 30_000).toUTCString();
      return answerError(503, { headers: { 'retry-after': date } })(...args);
    },
    // HTTP dates are whole seconds.
    ...{ kind: 'unavailable', status: 503, retryAfterMs: { atLeast: 25_000, atMost: 30_000 } },
  },
  {
    title: '429 with a Retry-After that has passed',
    fault: answerError(429, { headers: { 'retry-after': new Date(0).toUTCString() } }),
    ...{ kind: 'rateLimited', status: 429, retryAfterMs: seconds(0) },
  },
  {
    title: '503 with a Retry-After that makes no sense',
    fault: answerError(503, { headers: { 'retry-after': 'soon' } }),
    ...{ kind: 'unavailable', status: 503 },
  },
  {
    title: '403 of a quota',
    fault: answerError(403, { reason: 'quotaExceeded' }),
    ...{ kind: 'rateLimited', status: 403 },
  },
  {
    title: '403 of a rate limit',
    fault: answerError(403, { reason: 'userRateLimitExceeded' }),
    ...{ kind: 'rateLimited', status: 403 },
  },
  { title: '408', fault: answerError(408), kind: 'unavailable', status: 408 },
  { title: '500', fault: answerError(500), kind: 'unavailable', status: 500 },
  { title: '502', fault: answerError(502), kind: 'unavailable', status: 502 },
  { title: '503', fault: answerError(503), kind: 'unavailable', status: 503 },
  { title: '504', fault: answerError(504), kind: 'unavailable', status: 504 },
  { title: '401', fault: answerError(401, { reason: 'authError' }), kind: 'unavailable', status: 401 },
  { title: '403', fault: answerError(403, { reason: 'forbidden' }), kind: 'forbidden', status: 403 },
  {
    title: '403 of a retention policy',
    fault: answerError(403, { reason: 'retentionPolicyNotMet' }),
    ...{ kind: 'retention', status: 403 },
  },
  {
    title: '403 of a hold',
    fault: answerError(403, { reason: 'objectUnderActiveHold' }),
    ...{ kind: 'retention', status: 403 },
  },
  {
    title: '400 of a bucket that bills its requester',
    fault: answerError(400, { reason: 'userProjectMissing' }),
    ...{ kind: 'requesterPays', status: 400 },
  },
  { title: '400', fault: answerError(400, { reason: 'invalid' }), kind: 'refused', status: 400 },
  { title: '409', fault: answerError(409, { reason: 'conflict' }), kind: 'refused', status: 409 },
  { title: 'a connection that is reset', fault: resetBefore(), kind: 'unavailable' },
  { title: 'an answer that breaks off', fault: breakAnswer(), kind: 'unavailable' },
  {
    title: 'an answer that is cut short',
    fault: alterBody((body) => body.slice(0, 40)),
    kind: 'unavailable',
    showsInJson: true,
  },
  {
    title: 'an answer without a body',
    fault: alterBody(() => ''),
    kind: 'unavailable',
    showsInJson: true,
  },
  {
    title: 'an answer that is JSON, and no object',
    fault: alterBody(() => 'null'),
    kind: 'unavailable',
    showsInJson: true,
  },
  {
    title: 'a page in place of an answer',
    fault: alterBody(() => '<html>Bad gateway</html>'),
    kind: 'unavailable',
    showsInJson: true,
  },
];
