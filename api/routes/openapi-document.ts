import { createRoute, z } from '@hono/zod-openapi';
import { REASONS, type ReasonCode } from '../../contract/reasons.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { REASON_DESCRIPTION } from '../schemas/log-record.ts';
import { TEXTS } from '../texts.ts';

const DESCRIPTION = [
  'Copies files between collections in Google Cloud Storage, durably: a job that was accepted runs to its end whatever ' +
    'is restarted meanwhile.',
  'Every JSON answer under /apollo/ is an envelope of `status` and `data`. Every route under /apollo/ wants a bearer ' +
    'token, the unknown ones too. A method that a route does not have is answered with 405 and the ones it has in ' +
    '`allow` (component response MethodNotAllowed); a path that is no route with 404.',
  'Why a file or a job is where it is, stands in `message` as `CODE: sentence`; the codes are the schema ReasonCode.',
].join('\n\n');

const TAGS = [
  { name: 'Copy', description: 'Start jobs.' },
  { name: 'Control', description: 'Stop jobs, hold them, let them go on.' },
  { name: 'Status', description: 'Look at jobs and their files.' },
  { name: 'Collections', description: 'Where files can be copied from and to.' },
  { name: 'Service', description: 'For whoever runs the service, and about this document.' },
];

const reasonCode = z.enum(Object.keys(REASONS) as [ReasonCode, ...ReasonCode[]]).openapi('ReasonCode', {
  description: REASON_DESCRIPTION,
  example: 'SOURCE_NOT_FOUND',
});

/** Written as it is: no operation has it, and so nothing else brings its schema. */
const methodNotAllowed = {
  description: 'The route does not have the method.',
  headers: { allow: { description: 'The methods it has.', schema: { type: 'string' as const } } },
  content: {
    'application/json': {
      schema: { $ref: '#/components/schemas/Error' },
      example: envelope(405, TEXTS.methodNotAllowed, null),
    },
  },
};

const documentRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'openApiDocument',
  tags: ['Service'],
  summary: 'This document',
  responses: {
    200: {
      description: 'OpenAPI 3.1.',
      content: {
        'application/json': {
          schema: z.looseObject({ openapi: z.string() }),
          example: { openapi: '3.1.0', info: { title: 'Apollo file copy', version: '0.1.0' }, paths: {} },
        },
      },
    },
  },
});

/** /openapi.json, from the schemas that validate. Has to come after the routes it describes. */
export function openApiDocument(app: ApiApp, { publicUrl }: ApiDeps): void {
  app.openAPIRegistry.registerPath(documentRoute);
  app.openAPIRegistry.register('ReasonCode', reasonCode);
  app.openAPIRegistry.registerComponent('responses', 'MethodNotAllowed', methodNotAllowed);
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An IMS access token. The roles an operation lists are the scopes that the token needs.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Apollo file copy',
      version: '0.1.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: publicUrl }],
    tags: TAGS,
  });
  app.get('/openapi.json', (c) => c.json(document));
}
