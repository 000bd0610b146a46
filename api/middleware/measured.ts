import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import type { ApiMetrics } from '../metrics.ts';
import { methodOf, routeOf } from './request-route.ts';

/** Counts and times every request. */
export function measured(metrics: ApiMetrics) {
  return createMiddleware<ApiEnv>(async function measure(c, next) {
    const end = metrics.begin();
    const startedAt = performance.now();
    try {
      await next();
    } finally {
      const seconds = (performance.now() - startedAt) / 1_000;
      end({ method: methodOf(c), route: routeOf(c), status: c.res.status, seconds });
    }
  });
}
