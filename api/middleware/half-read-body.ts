import { createMiddleware } from 'hono/factory';
import { isHalfRead } from '../body/json-body.ts';
import type { ApiEnv } from '../context.ts';

/**
 * Has the connection of a request closed whose body was given up before its end: the rest of that is still on its way, and
 * nobody will read it, so that no other request could be told after it (RFC 9112 section 9.6).
 */
export const halfReadBody = createMiddleware<ApiEnv>(async function closeAfterHalfReadBody(c, next) {
  await next();
  if (isHalfRead(c.req.raw)) c.header('connection', 'close');
});
