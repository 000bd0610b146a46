import { randomUUID } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import { parseCorrelationId } from '../../contract/ids.ts';
import { viewerOf } from '../auth/caller.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { invalidRequest } from '../http-error.ts';
import { jobIdParam, noSuchJob } from '../job-id.ts';
import { CORRELATION_ID_HEADER, setCorrelationId } from '../middleware/correlation-id.ts';
import { withoutQuery } from '../middleware/without-query.ts';
import type { Quota } from '../quota.ts';
import { ANSWERS, conflictSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { COPY_ANSWERS, copyHeaders } from '../schemas/copy-answer.ts';
import { EXAMPLE_JOB } from '../schemas/examples.ts';
import { TEXTS } from '../texts.ts';
import { answerCopy, givenUp } from './copy-answer.ts';

const retryRoute = createRoute({
  method: 'post',
  path: '/apollo/files/copy/{correlationId}/retry',
  operationId: 'retryJob',
  tags: ['Copy'],
  summary: 'Copy again what a job failed or was cancelled to copy',
  description:
    'Starts a new job, of whoever asks, with those files and the same options, and answers like a copy. Left out are files ' +
    'that are wrong in themselves (`INVALID_REQUEST`), such as malformed lines of a manifest: they would fail again. Of a ' +
    'prefix that was not listed to its end (the job was cancelled or terminated, or storage refused it) the new job lists ' +
    'the rest, as it is by then; one that was terminated before its list was read is begun anew. The ' +
    'same `x-correlation-id` again gives the same answer; without one each request is another retry, and starts ' +
    'another job. The list of these files is made while the caller waits, which of a job of a million takes a while: ' +
    'whoever hangs up before has started no job. Needs the scopes apollo_read and apollo_write.',
  security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
  request: { params: jobIdParam, headers: copyHeaders },
  responses: {
    200: COPY_ANSWERS.accepted,
    202: COPY_ANSWERS.undecided,
    400: mistakes('The request is wrong.', TEXTS.invalid, CORRELATION_ID_HEADER, 'must be a UUID'),
    401: ANSWERS.unauthorized,
    403: ANSWERS.forbidden,
    404: ANSWERS.noRecords,
    409: jsonAnswer(
      'The job has not ended, or no file of it can be tried again (`data` is the job then); or the ' +
        '`x-correlation-id` is in use by another caller or for another request.',
      conflictSchema,
      envelope(409, TEXTS.nothingToRetry, EXAMPLE_JOB),
    ),
    423: ANSWERS.locked,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/** POST /apollo/files/copy/{correlationId}/retry. Answers carry the new job's id, not that of the one in the path. */
export function retryJob(app: ApiApp, deps: ApiDeps, wholeJobs: Quota): void {
  const { jobs, now = Date.now } = deps;
  app.openAPIRegistry.registerPath(retryRoute);
  app.post(retryRoute.getRoutingPath(), requireScopes('apollo_read', 'apollo_write'), withoutQuery, async (c) => {
    const receivedAt = now();
    if (c.req.header(CORRELATION_ID_HEADER) === undefined) setCorrelationId(c, randomUUID());
    const correlationId = c.get('correlationId');
    if (correlationId === undefined) throw invalidRequest([{ path: CORRELATION_ID_HEADER, message: 'must be a UUID' }]);
    const of = parseCorrelationId(c.req.param('correlationId'));
    if (of === undefined) throw noSuchJob();
    const caller = c.get('caller');
    // Given back once all is read: the new job may be waited for long after that.
    const release = wholeJobs.take(caller.requestor.caller);
    try {
      const reading = { signal: givenUp(c, deps), onEnd: release };
      const job = { of, viewer: viewerOf(caller), correlationId, requestor: caller.requestor, receivedAt, reading };
      return await answerCopy(c, deps, correlationId, (patience) => jobs.retry(job, patience));
    } finally {
      release();
    }
  });
}
