import { createMiddleware } from 'hono/factory';
import type { Logger } from '../../config/logger.ts';
import type { ApiEnv } from '../context.ts';
import { afterAnswer } from './after-answer.ts';

/** Probes ask every few seconds; their lines would bury the others. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** What begins as JSON in base64url does (`{"`), and has the dots of a JWT. */
const TOKEN = /eyJ[\w-]*(?:\.[\w-]*)+/g;

/**
 * One line for each request. The path without its query and nothing of the headers: a token that somebody puts into a
 * URL does not end up in the log.
 */
export function requestLog(log: Logger) {
  return createMiddleware<ApiEnv>(async function logRequest(c, next) {
    const startedAt = performance.now();
    await next();
    const line = {
      method: c.req.method,
      path: c.req.path.replaceAll(TOKEN, '<token>'),
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
      correlationId: c.get('correlationId'),
      // Typed as always there, which it is only behind authentication.
      caller: (c.get('caller') as ApiEnv['Variables']['caller'] | undefined)?.requestor.caller,
    };
    const level = PROBES.has(line.path) && line.status < 400 ? 'debug' : 'info';
    afterAnswer(() => {
      log[level](line, 'request');
    });
  });
}
