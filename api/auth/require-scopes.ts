import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { insufficientScope } from '../http-error.ts';
import type { Scope } from './caller.ts';

/** Middleware that lets pass whoever has all of these scopes; 403 to the others. */
export function requireScopes(...needed: Scope[]) {
  return createMiddleware<ApiEnv>(async function checkScopes(c, next) {
    const { scopes } = c.get('caller');
    if (!needed.every((scope) => scopes.has(scope))) throw insufficientScope(needed);
    await next();
  });
}
