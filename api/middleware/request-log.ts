import { createMiddleware } from 'hono/factory';
import type { Logger } from '../../config/logger.ts';
import { callerName } from '../auth/caller.ts';
import type { ApiEnv } from '../context.ts';
import { afterAnswer } from './after-answer.ts';

/** Probes ask every few seconds; their lines would bury the others. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** All that a JWT may be written with. */
const WORD = /[\w.-]+/g;

/** The path, and in the place of a token that: what begins as JSON in base64url does (`{"`), and has a JWT's dots. */
function withoutTokens(path: string): string {
  return path.replaceAll(WORD, (word) => {
    const start = word.indexOf('eyJ');
    return start < 0 || !word.includes('.', start) ? word : `${word.slice(0, start)}<token>`;
  });
}

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
      path: withoutTokens(c.req.path),
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
      correlationId: c.get('correlationId'),
      caller: callerName(c),
    };
    const level = PROBES.has(line.path) && line.status < 400 ? 'debug' : 'info';
    afterAnswer(() => {
      log[level](line, 'request');
    });
  });
}
