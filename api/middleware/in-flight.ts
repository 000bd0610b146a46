import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import type { Share } from '../limits.ts';
import { whenSent } from '../when-sent.ts';
import { Quota } from '../quota.ts';

/** Middleware that takes on so many requests at a time; each counts until its answer is out. */
export function boundedInFlight(share: Share) {
  const quota = new Quota(share);
  return createMiddleware<ApiEnv>(async function boundInFlight(c, next) {
    const release = quota.take(c.get('caller').requestor.caller);
    try {
      await next();
    } finally {
      // An answer is held until it is taken, however slowly that goes. Streams of events have a bound of their own.
      if (c.res.headers.get('content-type') === 'text/event-stream') release();
      else whenSent(c, release);
    }
  });
}
