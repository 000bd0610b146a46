import { createRoute, z } from '@hono/zod-openapi';
import type { ApiApp } from '../context.ts';
import type { ApiMetrics } from '../metrics.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'metrics',
  tags: ['Service'],
  summary: 'Figures for Prometheus',
  description: 'Requests by route and status, their durations, and those of the process. For whoever runs the service.',
  responses: {
    200: {
      description: 'In the text format of Prometheus.',
      content: { 'text/plain': { schema: z.string(), example: 'apollo_http_requests_in_flight 1\n' } },
    },
  },
});

/** GET /metrics, without a token. */
export function metricsPage(app: ApiApp, { registry }: ApiMetrics): void {
  app.openapi(metricsRoute, async (c) =>
    c.text(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  );
}
