import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { bearerToken } from './bearer-token.ts';
import type { TokenVerifier } from './verify-token.ts';

/** Middleware that lets nobody pass without a valid token, and leaves the caller for those after it. */
export function authenticated(verifyToken: TokenVerifier) {
  return createMiddleware<ApiEnv>(async function authenticate(c, next) {
    c.set('caller', await verifyToken(bearerToken(c.req.header('authorization'))));
    await next();
  });
}
