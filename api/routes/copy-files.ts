import { randomUUID } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import { requireScopes } from '../auth/require-scopes.ts';
import { requireJson } from '../body/json-body.ts';
import { receiveCopyRequest } from '../body/receive-copy-request.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { CORRELATION_ID_HEADER, setCorrelationId } from '../middleware/correlation-id.ts';
import { queryMistakes } from '../middleware/without-query.ts';
import { Quota } from '../quota.ts';
import { ANSWERS, mistakes } from '../schemas/answers.ts';
import { COPY_ANSWERS, copyHeaders } from '../schemas/copy-answer.ts';
import { COPY_REQUEST_EXAMPLES, copyRequestBody } from '../schemas/copy-request.ts';
import { TEXTS } from '../texts.ts';
import { answerCopy } from './copy-answer.ts';

const copyRoute = createRoute({
  method: 'post',
  path: '/apollo/files/copy',
  operationId: 'copyFiles',
  tags: ['Copy'],
  summary: 'Copy files from collection to collection',
  description:
    'Starts one job. Answers once access has been checked and every lock is held, before copying: all files are taken ' +
    'on, or none. Needs the scopes apollo_read and apollo_write.',
  security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
  request: {
    headers: copyHeaders,
    body: {
      required: true,
      content: { 'application/json': { schema: copyRequestBody, examples: COPY_REQUEST_EXAMPLES } },
    },
  },
  responses: {
    200: COPY_ANSWERS.accepted,
    202: COPY_ANSWERS.undecided,
    400: mistakes(
      'The request is wrong; `data.Errors` lists every mistake.',
      TEXTS.invalid,
      'copyFileCollectionData[3].fileName',
      'is required',
    ),
    401: ANSWERS.unauthorized,
    403: ANSWERS.forbidden,
    409: ANSWERS.correlationIdInUse,
    413: ANSWERS.tooLarge,
    408: ANSWERS.tooSlow,
    415: ANSWERS.unsupportedMediaType,
    423: ANSWERS.locked,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/**
 * POST /apollo/files/copy. A request that deserves several answers gets the first of these: about its token, its scopes,
 * its content type, its size, its shape, its correlation id. So the route is documented from the schemas but reads its body
 * itself, after the scopes.
 */
export function copyFiles(app: ApiApp, deps: ApiDeps): void {
  const { jobs, openInput, limits = LIMITS, now = Date.now } = deps;
  const intake = { longBodies: new Quota(limits.longBodies), heldBytes: new Quota(limits.heldBytes) };
  app.openAPIRegistry.registerPath(copyRoute);
  app.post(copyRoute.getRoutingPath(), requireScopes('apollo_read', 'apollo_write'), async (c) => {
    const receivedAt = now();
    if (c.req.header(CORRELATION_ID_HEADER) === undefined) setCorrelationId(c, randomUUID());
    requireJson(c.req.raw.headers);
    const { correlationId, ...request } = await receiveCopyRequest(c.req.raw, c.get('correlationId'), {
      ...{ openInput, intake, limits },
      caller: c.get('caller').requestor.caller,
      mistakes: queryMistakes(c),
    });
    const { requestor } = c.get('caller');
    const job = { correlationId, requestor, ...request, receivedAt };
    return await answerCopy(c, deps, correlationId, (patience) => jobs.copy(job, patience));
  });
}
