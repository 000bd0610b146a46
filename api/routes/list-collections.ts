import { createRoute, z } from '@hono/zod-openapi';
import { PERMISSION_LEVELS } from '../../storage/collections.ts';
import { requireScopes } from '../auth/require-scopes.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { envelope } from '../envelope.ts';
import { invalidRequest } from '../http-error.ts';
import { queryErrors } from '../request-errors.ts';
import { ANSWERS, envelopeSchema, jsonAnswer, mistakes } from '../schemas/answers.ts';
import { TEXTS } from '../texts.ts';

const [ANY_LEVEL] = PERMISSION_LEVELS;
const LEVEL_RULE = `must be one of ${PERMISSION_LEVELS.join(', ')}, given once`;

const collectionSchema = z
  .strictObject({
    id: z.string().openapi({ description: 'The same as `collectionId`.' }),
    collectionId: z.string(),
    collectionName: z.string().openapi({ description: 'Its name for people.' }),
  })
  .openapi('Collection');

const collectionsQuery = z.strictObject({
  minPermission: z
    .enum(PERMISSION_LEVELS, { error: LEVEL_RULE })
    .default(ANY_LEVEL)
    .openapi({
      param: { name: 'minPermission', in: 'query' },
      description: 'Only collections with this level of access or a higher one; copying to one needs `readwrite`.',
    }),
});

const collectionsRoute = createRoute({
  method: 'get',
  path: '/apollo/collections',
  operationId: 'listCollections',
  tags: ['Collections'],
  summary: 'The collections that the caller may use',
  description: 'By id. Needs the scope apollo_read.',
  security: [{ bearerAuth: ['apollo_read'] }],
  middleware: [requireScopes('apollo_read')] as const,
  request: {
    query: collectionsQuery,
  },
  responses: {
    200: jsonAnswer(
      'The collections.',
      envelopeSchema(z.array(collectionSchema)).openapi('CollectionsAnswer'),
      envelope(200, TEXTS.collections, [
        {
          id: 'example-collection-copy',
          collectionId: 'example-collection-copy',
          collectionName: 'Copies of the example',
        },
      ]),
    ),
    400: mistakes('There is no such level, or no such parameter.', TEXTS.invalid, 'minPermission', LEVEL_RULE),
    401: ANSWERS.unauthorized,
    403: ANSWERS.missingScope,
    429: ANSWERS.tooMany,
    500: ANSWERS.internal,
    503: ANSWERS.unavailable,
  },
});

/** GET /apollo/collections. */
export function listCollections(app: ApiApp, { collections }: ApiDeps): void {
  app.openapi(
    collectionsRoute,
    async (c) => {
      const { principals } = c.get('caller').requestor;
      const found = await collections(principals, c.req.valid('query').minPermission);
      const data = found.map(({ collectionId, collectionName }) => ({
        id: collectionId,
        collectionId,
        collectionName,
      }));
      return c.json(envelope(200, TEXTS.collections, data), 200);
    },
    (result) => {
      if (!result.success) throw invalidRequest(queryErrors(result.error, collectionsQuery));
    },
  );
}
