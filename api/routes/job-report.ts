import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { validator } from 'hono/validator';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps, ApiEnv } from '../context.ts';
import { invalidRequest } from '../http-error.ts';
import { jobIdParam, requireJobId } from '../job-id.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, CORRELATION_ID_HEADERS, mistakes } from '../schemas/answers.ts';
import { RECORDS_FOLLOW } from '../schemas/job.ts';
import { EXAMPLE_CSV, EXAMPLE_NDJSON } from '../schemas/examples.ts';
import { TEXTS } from '../texts.ts';
import type { Quota } from '../quota.ts';
import { openWholeJob } from './whole-job.ts';
import { REPORT_COLUMNS, REPORT_FORMATS, REPORT_TYPES, reportText, type ReportFormat } from '../views/report.ts';

const FORMAT_RULE = `must be one of ${REPORT_FORMATS.join(', ')}, given once`;

const reportQuery = z.strictObject({
  format: z
    .enum(REPORT_FORMATS, { error: FORMAT_RULE })
    .optional()
    .openapi({
      param: { name: 'format', in: 'query' },
      description: 'Without it the Accept header chooses; ndjson where that does not.',
    }),
});

const reportRoute = createRoute({
  method: 'get',
  path: '/apollo/files/copy/{correlationId}/report',
  operationId: 'jobReport',
  tags: ['Status'],
  summary: 'The whole report on a job, a row for each file',
  description:
    `In the order of the request, streamed. Columns: ${REPORT_COLUMNS.join(', ')}. NDJSON has every value to the ` +
    'letter. CSV is RFC 4180 with a header row; a text in it that a spreadsheet would take for a formula (it starts ' +
    'with =, +, -, @, a tab or a carriage return, or a full-width form of these) has an apostrophe in front. ' +
    `${RECORDS_FOLLOW} Until then their rows say \`Requested\`. Needs the scope apollo_read.`,
  security: [{ bearerAuth: ['apollo_read'] }],
  request: { params: jobIdParam, query: reportQuery },
  responses: {
    200: {
      description: 'The report.',
      headers: {
        ...CORRELATION_ID_HEADERS,
        'content-disposition': { description: 'A name for the file.', schema: { type: 'string' as const } },
      },
      content: {
        'application/x-ndjson': { schema: z.string(), example: EXAMPLE_NDJSON },
        'text/csv': { schema: z.string(), example: EXAMPLE_CSV },
      },
    },
    400: mistakes('There is no such format, or no such parameter.', TEXTS.invalid, 'format', FORMAT_RULE),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    404: ANSWERS.noRecords,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

const checkedQuery = validator('query', (value) => {
  const query = reportQuery.safeParse(value);
  if (!query.success) throw invalidRequest(queryErrors(query.error, reportQuery));
  return query.data;
});

function acceptedFormat(c: Context<ApiEnv>): ReportFormat {
  const type = accepts(c, { header: 'Accept', supports: ['application/x-ndjson', 'text/csv'], default: '' });
  return type === 'text/csv' ? 'csv' : 'ndjson';
}

/** GET /apollo/files/copy/{correlationId}/report. Registered by hand, since it is streamed. */
export function jobReport(app: ApiApp, deps: ApiDeps, wholeJobs: Quota): void {
  app.openAPIRegistry.registerPath(reportRoute);
  app.get(reportRoute.getRoutingPath(), requireScopes('apollo_read'), checkedQuery, async (c) => {
    const format = c.req.valid('query').format ?? acceptedFormat(c);
    const correlationId = requireJobId(c, c.req.param('correlationId'));
    const { pages } = await openWholeJob(c, { ...deps, wholeJobs }, correlationId);
    const text = ReadableStream.from(reportText(pages, format)).pipeThrough(new TextEncoderStream());
    return c.body(text, 200, {
      'content-type': REPORT_TYPES[format],
      'content-disposition': `attachment; filename="apollo-copy-${correlationId}.${format}"`,
      vary: 'Accept',
    });
  });
}
