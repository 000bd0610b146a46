import { createRoute, z } from '@hono/zod-openapi';
import { DEFAULT_PAGE_LIMIT } from '../../contract/limits.ts';
import { viewerOf } from '../auth/caller.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { insufficientScope, invalidRequest } from '../http-error.ts';
import type { JobFilter, Viewer } from '../jobs/job-service.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, envelopeSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { EXAMPLE_JOB } from '../schemas/examples.ts';
import { jobSchema } from '../schemas/job.ts';
import { jobsQuerySchema } from '../schemas/jobs-query.ts';
import { pagingSchema } from '../schemas/paging.ts';
import { TEXTS } from '../texts.ts';
import { jobView } from '../views/job-view.ts';
import { decodeJobsToken, encodeJobsToken, type JobsQuestion } from '../views/jobs-token.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/apollo/files/copy',
  operationId: 'listJobs',
  tags: ['Status'],
  summary: "The caller's jobs, newest first",
  description:
    'As far as Temporal remembers them (its retention), a moment behind. Job states and counts are those of every other ' +
    'view, so that one may have changed since it was found by its state. Needs the scope apollo_read.',
  security: [{ bearerAuth: ['apollo_read'] }],
  middleware: [requireScopes('apollo_read')] as const,
  request: { query: jobsQuerySchema },
  responses: {
    200: jsonAnswer(
      'A page of jobs.',
      envelopeSchema(z.array(jobSchema)).extend({ paging: pagingSchema }).openapi('JobsAnswer'),
      { ...envelope(200, TEXTS.jobs, [EXAMPLE_JOB]), paging: { totalCount: 1, continuationToken: null } },
    ),
    400: mistakes('The query is wrong.', TEXTS.invalid, 'continuationToken', 'must be the token of an earlier page'),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/** Whose jobs are asked for; undefined: everyone's. Throws HttpError 403 where they are not this viewer's to see. */
function requestorOf({ caller, isAdmin }: Viewer, named: string | undefined): string | undefined {
  if (isAdmin || named === caller) return named;
  if (named !== undefined) throw insufficientScope(['apollo_admin']);
  return caller;
}

function cursorOf(token: string | undefined, question: JobsQuestion) {
  if (token === undefined) return {};
  const after = decodeJobsToken(token, question);
  if (after !== undefined) return { after };
  throw invalidRequest([
    { path: 'continuationToken', message: 'must be the token of an earlier page of the same question' },
  ]);
}

/** GET /apollo/files/copy: which jobs there are. */
export function listJobs(app: ApiApp, { jobs }: ApiDeps): void {
  app.openapi(
    listRoute,
    async (c) => {
      const { requestor: named, limit = DEFAULT_PAGE_LIMIT, continuationToken, ...what } = c.req.valid('query');
      const viewer = viewerOf(c.get('caller'));
      const requestor = requestorOf(viewer, named);
      const filter: JobFilter = { ...what, ...(requestor !== undefined && { requestor }) };
      const question = { caller: viewer.caller, filter };
      const list = await jobs.list(filter, { limit, ...cursorOf(continuationToken, question) });
      const paging = {
        totalCount: list.totalCount,
        continuationToken: list.next === null ? null : encodeJobsToken(question, list.next),
      };
      return c.json({ ...envelope(200, TEXTS.jobs, list.jobs.map(jobView)), paging }, 200);
    },
    (result) => {
      if (!result.success) throw invalidRequest(queryErrors(result.error, jobsQuerySchema));
    },
  );
}
