import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { parseCorrelationId } from '../../contract/ids.ts';
import type { ApiEnv } from '../context.ts';

export const CORRELATION_ID_HEADER = 'x-correlation-id';

/**
 * Puts the correlation id on every answer as soon as one is known: the request's own from the start, or the one that a
 * route sets. One that is no UUID is not echoed; the route that reads it says so.
 */
export const correlationId = createMiddleware<ApiEnv>(async function answerCorrelationId(c, next) {
  setCorrelationId(c, parseCorrelationId(c.req.header(CORRELATION_ID_HEADER) ?? ''));
  await next();
  // Not every answer is made by the context.
  const known = c.get('correlationId');
  if (known !== undefined && c.res.headers.get(CORRELATION_ID_HEADER) !== known) c.header(CORRELATION_ID_HEADER, known);
});

/** Makes this the correlation id of the request, and of its answer; undefined: none is known. */
export function setCorrelationId(c: Context<ApiEnv>, id: string | undefined): void {
  c.set('correlationId', id);
  c.header(CORRELATION_ID_HEADER, id);
}
