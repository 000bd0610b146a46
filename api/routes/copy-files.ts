import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { MAX_BODY_BYTES } from '../../contract/limits.ts';
import type { Admission } from '../../contract/messages.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import { readBody, requireJson } from '../body/json-body.ts';
import { parseCopyRequest } from '../body/parse-copy-request.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { accessDenied, correlationIdInUse, invalidRequest, locked } from '../http-error.ts';
import { CORRELATION_ID_HEADER } from '../middleware/correlation-id.ts';
import { ANSWERS, envelopeSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { copyRequestBody } from '../schemas/copy-request.ts';
import { EXAMPLE_ID } from '../schemas/examples.ts';
import { TEXTS } from '../texts.ts';

const copyDataSchema = z
  .strictObject({
    Result: z.string().openapi({ description: 'Where the status of the job is to be had.' }),
    Message: z.string().openapi({ description: 'How many files are to be copied.' }),
    CorrelationId: z.uuid().openapi({ description: 'Names the job.' }),
  })
  .openapi('CopyData');

type CopyData = z.infer<typeof copyDataSchema>;

function copyData(publicUrl: string, correlationId: string, requested: number): CopyData {
  const statusUrl = `${publicUrl}/apollo/status/logs?correlationId=${correlationId}`;
  return {
    Result: `Please check the status of your request at statusURL: ${statusUrl}`,
    Message: `Number of file copy requests:${requested}`,
    CorrelationId: correlationId,
  };
}

const EXAMPLE_DATA = copyData('https://apollo.example.com', EXAMPLE_ID, 2);
const copySchema = envelopeSchema(copyDataSchema).openapi('CopyAnswer');

const copyRoute = createRoute({
  method: 'post',
  path: '/apollo/files/copy',
  operationId: 'copyFiles',
  summary: 'Copy files from collection to collection',
  description:
    'Starts one job. Answers once access has been checked and every lock is held, before copying: all files are taken ' +
    'on, or none. Needs the scopes apollo_read and apollo_write.',
  security: [{ bearerAuth: ['apollo_read', 'apollo_write'] }],
  request: {
    headers: z.object({
      [CORRELATION_ID_HEADER]: z
        .uuid()
        .optional()
        .openapi({
          description:
            'Names the job, for as long as its record is kept. The same id with the same request from the same caller ' +
            'gives the same answer and starts nothing twice. Without it the service makes one.',
          example: EXAMPLE_ID,
        }),
    }),
    body: { required: true, content: { 'application/json': { schema: copyRequestBody } } },
  },
  responses: {
    200: jsonAnswer(
      'Accepted: access is given and every lock is held. The text is that of the published API; copying goes on.',
      copySchema,
      envelope(200, TEXTS.copyAccepted, EXAMPLE_DATA),
    ),
    202: jsonAnswer(
      'Not decided within 5 s: the job is durable and will be decided. The same request gives the answer then.',
      copySchema,
      envelope(202, TEXTS.copyRequested, EXAMPLE_DATA),
    ),
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
    415: ANSWERS.unsupportedMediaType,
    423: ANSWERS.locked,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/** Throws the answer of an admission that was not given. */
function requireAccepted(admission: Admission): void {
  switch (admission.decision) {
    case 'accepted':
      return;
    case 'forbidden':
      throw accessDenied();
    case 'invalid':
      throw invalidRequest(admission.errors);
    case 'locked':
      throw locked(admission.files);
  }
}

/**
 * POST /apollo/files/copy. The order of the contract's table decides which answer a request gets that deserves several,
 * so the route is documented from the schemas but reads its body itself, after the scopes.
 */
export function copyFiles(app: ApiApp, { jobs, publicUrl, now = Date.now }: ApiDeps): void {
  app.openAPIRegistry.registerPath(copyRoute);
  app.post(copyRoute.getRoutingPath(), requireScopes('apollo_read', 'apollo_write'), async (c) => {
    const receivedAt = now();
    if (c.req.header(CORRELATION_ID_HEADER) === undefined) c.set('correlationId', randomUUID());
    requireJson(c.req.raw.headers);
    const body = await readBody(c.req.raw, MAX_BODY_BYTES);
    const { correlationId, request } = parseCopyRequest(body, c.get('correlationId'));
    const { requestor } = c.get('caller');
    const answer = await jobs.copy({ correlationId, requestor, request, receivedAt });
    if (answer.kind === 'conflict') throw correlationIdInUse();
    if (answer.kind === 'decided') requireAccepted(answer.admission);
    const [status, message] =
      answer.kind === 'decided' ? ([200, TEXTS.copyAccepted] as const) : ([202, TEXTS.copyRequested] as const);
    return c.json(envelope(status, message, copyData(publicUrl, correlationId, answer.requested)), status);
  });
}
