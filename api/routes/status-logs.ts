import { createRoute, z } from '@hono/zod-openapi';
import { viewerOf } from '../auth/caller.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { invalidRequest } from '../http-error.ts';
import { jobIdQuery, requireJobId } from '../job-id.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, envelopeSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { EXAMPLE_JOB, EXAMPLE_RECORD } from '../schemas/examples.ts';
import { jobSchema, RECORDS_FOLLOW } from '../schemas/job.ts';
import { logRecordSchema } from '../schemas/log-record.ts';
import { continuationToken, fileState, limit, pagingSchema } from '../schemas/paging.ts';
import { TEXTS } from '../texts.ts';
import { jobView } from '../views/job-view.ts';
import { logRecords } from '../views/log-record.ts';
import type { Quota } from '../quota.ts';
import { pageBounds, pagingOf } from './page-request.ts';
import { takeWholeJob } from './whole-job.ts';

const logsQuery = z.strictObject({
  correlationId: jobIdQuery,
  state: fileState,
  limit,
  continuationToken,
});

const logsHeaders = z.object({
  ercollectionid: z.string().optional().openapi({
    description: 'Only files with this collection as source or destination.',
    example: 'example-collection-copy',
  }),
});

const logsRoute = createRoute({
  method: 'get',
  path: '/apollo/status/logs',
  operationId: 'statusLogs',
  tags: ['Status'],
  summary: 'One record for each file of a job',
  description:
    'Paged, in the order of the request. A job without records (rejected, not decided yet) has none, and its `job`. ' +
    `${RECORDS_FOLLOW} ` +
    'Needs the scopes apollo_read and apollo_write.',
  security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
  middleware: [requireScopes('apollo_read', 'apollo_write')] as const,
  request: { query: logsQuery, headers: logsHeaders },
  responses: {
    200: jsonAnswer(
      'A page of records.',
      envelopeSchema(z.array(logRecordSchema)).extend({ paging: pagingSchema, job: jobSchema }).openapi('LogsAnswer'),
      {
        ...envelope(200, TEXTS.logs, [EXAMPLE_RECORD]),
        paging: { totalCount: 1, continuationToken: null },
        job: EXAMPLE_JOB,
      },
    ),
    400: mistakes(
      'No correlation id, a limit or state that is none, a continuation token of something else, or an unknown parameter.',
      TEXTS.correlationIdMissing,
      'correlationId',
      'is required',
    ),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    404: ANSWERS.noRecords,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/**
 * A header's text. Node reads header bytes as Latin-1 (RFC 9110 section 5.5), and clients send UTF-8; what is no UTF-8
 * is taken as it is.
 */
function headerText(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** GET /apollo/status/logs: the records of a job's files, a page at a time. */
export function statusLogs(app: ApiApp, { jobs }: ApiDeps, wholeJobs: Quota): void {
  app.openapi(
    logsRoute,
    async (c) => {
      const { correlationId: id, state, ...query } = c.req.valid('query');
      const collectionId = headerText(c.req.valid('header').ercollectionid ?? '');
      const correlationId = requireJobId(c, id);
      const bounds = pageBounds(correlationId, query);
      // No count tells how many files are of one collection: of a large job all are read.
      if (collectionId !== '') takeWholeJob(c, wholeJobs);
      const page = await jobs.page(correlationId, viewerOf(c.get('caller')), {
        ...bounds,
        ...(state !== undefined && { state }),
        ...(collectionId !== '' && { collectionId }),
      });
      const records = {
        ...envelope(200, TEXTS.logs, logRecords(page)),
        paging: pagingOf(page),
        job: jobView(page.job),
      };
      return c.json(records, 200);
    },
    (result) => {
      if (result.success) return;
      const errors = queryErrors(result.error, logsQuery);
      const isIdMissing = errors.some(({ path }) => path === 'correlationId');
      throw invalidRequest(errors, isIdMissing ? TEXTS.correlationIdMissing : TEXTS.invalid);
    },
  );
}
