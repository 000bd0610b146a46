import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { ApiEnv } from '../context.ts';

/** Whatever is no route is counted as one: paths that people try are without number. */
const NO_ROUTE = 'none';

/** Methods that are told by name; others are whatever a client makes up. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The pattern of the route that answered a request. To be asked once it is answered. */
export function routeOf(c: Context<ApiEnv>): string {
  // The last that matched and is no middleware (whose paths end in a star).
  return matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path ?? NO_ROUTE;
}

/** A request's method, one of a few. */
export function methodOf(c: Context<ApiEnv>): string {
  return METHODS.has(c.req.method) ? c.req.method : 'other';
}
