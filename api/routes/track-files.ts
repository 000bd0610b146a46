import { createRoute, z } from '@hono/zod-openapi';
import { validator } from 'hono/validator';
import { viewerOf } from '../auth/caller.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { invalidRequest } from '../http-error.ts';
import { jobIdParam, requireJobId } from '../job-id.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, envelopeSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { RECORDS_FOLLOW } from '../schemas/job.ts';
import { EXAMPLE_DETAIL } from '../schemas/examples.ts';
import { continuationToken, optionalLimit, pagingSchema } from '../schemas/paging.ts';
import { trackDataSchema } from '../schemas/track.ts';
import { TEXTS } from '../texts.ts';
import type { Quota } from '../quota.ts';
import { openWholeJob } from './whole-job.ts';
import { trackAnswer, trackText } from '../views/track-answer.ts';
import { pageBounds, pagingOf } from './page-request.ts';

const trackQuery = z.strictObject({ limit: optionalLimit, continuationToken });

const trackRoute = createRoute({
  method: 'get',
  path: '/apollo/files/track/{correlationId}',
  operationId: 'trackFiles',
  tags: ['Status'],
  summary: 'Summary and detail of a job',
  description:
    'Every file of the job; paged where `limit` or `continuationToken` is given, with `paging` beside `data`. ' +
    `${RECORDS_FOLLOW} Until then \`Status\` is 0, whatever \`Summary\` has counted. Needs the scope apollo_read.`,
  security: [{ bearerAuth: ['apollo_read'] }],
  request: { params: jobIdParam, query: trackQuery },
  responses: {
    200: jsonAnswer(
      'Summary and detail.',
      envelopeSchema(trackDataSchema).extend({ paging: pagingSchema.optional() }).openapi('TrackAnswer'),
      envelope(200, TEXTS.track, {
        Summary: { FilesRequestedToBeCopied: '1', Succeeded: '1', Failed: '0' },
        Detail: [EXAMPLE_DETAIL],
      }),
    ),
    400: mistakes(
      'A limit that is none, a continuation token of something else, or an unknown parameter.',
      TEXTS.invalid,
      'limit',
      'must be a whole number from 1 to 1000, given once',
    ),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    404: ANSWERS.noRecords,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

const checkedQuery = validator('query', (value) => {
  const query = trackQuery.safeParse(value);
  if (!query.success) throw invalidRequest(queryErrors(query.error, trackQuery));
  return query.data;
});

/** GET /apollo/files/track/{correlationId}. Registered by hand, since a long answer is streamed. */
export function trackFiles(app: ApiApp, { jobs, log }: ApiDeps, wholeJobs: Quota): void {
  app.openAPIRegistry.registerPath(trackRoute);
  app.get(trackRoute.getRoutingPath(), requireScopes('apollo_read'), checkedQuery, async (c) => {
    const query = c.req.valid('query');
    const correlationId = requireJobId(c, c.req.param('correlationId'));
    const viewer = viewerOf(c.get('caller'));
    if (query.limit !== undefined || query.continuationToken !== undefined) {
      const page = await jobs.page(correlationId, viewer, pageBounds(correlationId, query));
      return c.json({ ...trackAnswer(page), paging: pagingOf(page) }, 200);
    }
    const { first, pages } = await openWholeJob(c, { jobs, log, wholeJobs }, correlationId);
    if (first.next === null) return c.json(trackAnswer(first), 200);
    const text = ReadableStream.from(trackText({ first, pages })).pipeThrough(new TextEncoderStream());
    return c.body(text, 200, { 'content-type': 'application/json' });
  });
}
