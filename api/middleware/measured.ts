import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { ApiEnv } from '../context.ts';
import type { ApiMetrics } from '../metrics.ts';

/** Whatever is no route is counted as one: paths that people try are without number. */
const NO_ROUTE = 'none';

/** Methods that are counted by name; others are whatever a client makes up. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and times every request. */
export function measured(metrics: ApiMetrics) {
  return createMiddleware<ApiEnv>(async function measure(c, next) {
    const end = metrics.begin();
    const startedAt = performance.now();
    try {
      await next();
    } finally {
      // The last that matched and is no middleware (whose paths end in a star).
      const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path ?? NO_ROUTE;
      const method = METHODS.has(c.req.method) ? c.req.method : 'other';
      end({ method, route, status: c.res.status, seconds: (performance.now() - startedAt) / 1_000 });
    }
  });
}
