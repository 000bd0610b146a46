import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import type { Share } from '../limits.ts';
import { Quota } from '../quota.ts';

/** Middleware that takes on so many requests at a time; each counts until its answer begins. */
export function boundedInFlight(share: Share) {
  const quota = new Quota(share);
  return createMiddleware<ApiEnv>(async function boundInFlight(c, next) {
    const release = quota.take(c.get('caller').requestor.caller);
    try {
      await next();
    } finally {
      release();
    }
  });
}
