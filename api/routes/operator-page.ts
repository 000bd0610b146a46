import { createRoute, z } from '@hono/zod-openapi';
import { etag } from 'hono/etag';
import type { ApiApp, ApiDeps } from '../context.ts';
import { readAssets } from '../page/assets.ts';
import { CONTENT_SECURITY_POLICY } from '../page/policy.ts';
import { shell } from '../page/shell.ts';

/** The files change with a release, under the same names: kept, and asked for again whether they are still the same. */
const ASSET_CACHING = 'no-cache';

const pageRoute = createRoute({
  method: 'get',
  path: '/',
  operationId: 'operatorPage',
  tags: ['Service'],
  summary: 'The page to look at jobs, start and control them',
  description: 'For people. It asks for a token, keeps it for the tab only, and uses the routes of this document.',
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: z.string(), example: '<!doctype html>…' } } },
  },
});

/** `/`: the operator page, and under /page/ what it loads. */
export function operatorPage(app: ApiApp, { temporalUiUrl }: ApiDeps): void {
  const assets = readAssets();
  const page = shell({
    temporalUiUrl,
    scripts: assets.filter(({ name }) => name.endsWith('.js')).map(({ name }) => name),
  });
  app.openAPIRegistry.registerPath(pageRoute);
  app.get(pageRoute.getRoutingPath(), (c) => c.html(page, 200, { 'content-security-policy': CONTENT_SECURITY_POLICY }));
  app.use('/page/*', etag());
  for (const { name, type, content } of assets) {
    app.get(`/page/${name}`, (c) => c.body(content, 200, { 'content-type': type, 'cache-control': ASSET_CACHING }));
  }
}
