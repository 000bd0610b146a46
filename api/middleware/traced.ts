import { createMiddleware } from 'hono/factory';
import type { Tracing } from '../../telemetry/index.ts';
import type { ApiEnv } from '../context.ts';
import { methodOf, routeOf } from './request-route.ts';

/** Answers every request within a span, in the caller's trace where its headers name one. */
export function traced(inSpan: Tracing['request']) {
  return createMiddleware<ApiEnv>(async function trace(c, next) {
    const [traceparent, tracestate] = [c.req.header('traceparent'), c.req.header('tracestate')];
    const carrier = {
      ...(traceparent !== undefined && { traceparent }),
      ...(tracestate !== undefined && { tracestate }),
    };
    await inSpan({ method: methodOf(c), carrier }, async () => {
      await next();
      return { route: routeOf(c), status: c.res.status, correlationId: c.get('correlationId') };
    });
  });
}
