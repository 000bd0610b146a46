import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { RequestError } from '../../contract/messages.ts';
import type { ApiEnv } from '../context.ts';
import { invalidRequest } from '../http-error.ts';
import { Mistakes } from '../request-errors.ts';

/** Of more parameters than these the rest is counted. */
const MAX_NAMED = 100;

/** The query parameters of a request, where there should be none: what is ignored in silence is taken for heeded. */
export function queryMistakes(c: Context<ApiEnv>): RequestError[] {
  const mistakes = new Mistakes(MAX_NAMED);
  for (const name of Object.keys(c.req.query())) mistakes.add([name], 'is not a parameter here; there is none');
  return mistakes.list();
}

/** For routes that have no query parameters. */
export const withoutQuery = createMiddleware<ApiEnv>(async function refuseQuery(c, next) {
  const mistakes = queryMistakes(c);
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  await next();
});
