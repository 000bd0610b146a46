import { createRoute, z } from '@hono/zod-openapi';
import type { ApiApp, ApiDeps } from '../context.ts';
import { ASSETS } from '../docs/assets.ts';
import { contentSecurityPolicy, PAGE } from '../docs/page.ts';

/** The files are those of a pinned package: they change with a release only. */
const ASSET_CACHING = 'public, max-age=3600';

const docsRoute = createRoute({
  method: 'get',
  path: '/docs',
  operationId: 'docs',
  tags: ['Service'],
  summary: 'This document as a page to read and try',
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: z.string(), example: '<!doctype html>…' } } },
  },
});

/** /docs: Swagger UI on /openapi.json, all of it served from here. */
export function docs(app: ApiApp, { publicUrl }: ApiDeps): void {
  const policy = contentSecurityPolicy(publicUrl);
  app.openAPIRegistry.registerPath(docsRoute);
  app.get(docsRoute.getRoutingPath(), (c) => c.html(PAGE, 200, { 'content-security-policy': policy }));
  // The page's own links are relative to its place.
  app.get('/docs/', (c) => c.redirect('../docs', 308));
  for (const [name, { type, content }] of Object.entries(ASSETS)) {
    app.get(`/docs/${name}`, async (c) =>
      c.body(await content(), 200, { 'content-type': type, 'cache-control': ASSET_CACHING }),
    );
  }
}
