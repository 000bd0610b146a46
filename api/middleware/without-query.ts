import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { invalidRequest } from '../http-error.ts';
import { Mistakes } from '../request-errors.ts';

/** Of more parameters than these the rest is counted. */
const MAX_NAMED = 100;

/** For routes that have no query parameters: what is ignored in silence is taken for heeded. */
export const withoutQuery = createMiddleware<ApiEnv>(async function refuseQuery(c, next) {
  const mistakes = new Mistakes(MAX_NAMED);
  for (const name of Object.keys(c.req.query())) mistakes.add([name], 'is not a parameter here; there is none');
  if (!mistakes.none) throw invalidRequest(mistakes.list());
  await next();
});
