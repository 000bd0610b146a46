import { createMiddleware } from 'hono/factory';
import type { Logger } from '../../config/logger.ts';
import { callerName } from '../auth/caller.ts';
import type { ApiEnv } from '../context.ts';
import { JOB_ACTIONS } from '../jobs/job-service.ts';
import { afterAnswer } from './after-answer.ts';

/** Jobs are started and controlled by these; the last segment of a longer path is the action's name. */
const ACTION = new RegExp(`^/apollo/files/copy(?:/[^/]+/(${['retry', ...JOB_ACTIONS].join('|')}))?$`);

/** What became of a request, by the status of its answer. */
const OUTCOMES: Readonly<Record<number, string>> = {
  200: 'accepted',
  202: 'undecided',
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not found',
  408: 'invalid',
  409: 'conflict',
  413: 'invalid',
  415: 'invalid',
  423: 'locked',
  429: 'overloaded',
  503: 'unavailable',
};

/** Refusals that are told whatever the request was for. */
const ACCESS_REFUSED: ReadonlySet<number> = new Set([401, 403]);

function actionOf(method: string, path: string): string {
  const [whole, name = 'copy'] = ACTION.exec(path) ?? [];
  return method === 'POST' && whole !== undefined ? name : 'read';
}

/**
 * Middleware that writes one line of the audit log for every admission, refusal and control action: who wanted what done
 * to which job, what became of it and why. Nothing of the headers is in it, nor of the body.
 */
export function audit(log: Logger) {
  return createMiddleware<ApiEnv>(async function auditRequest(c, next) {
    await next();
    const action = actionOf(c.req.method, c.req.path);
    const { status } = c.res;
    if (action === 'read' && !ACCESS_REFUSED.has(status)) return;
    const line = {
      event: 'audit',
      correlationId: c.get('correlationId'),
      caller: callerName(c),
      action,
      outcome: OUTCOMES[status] ?? 'failed',
      reason: c.get('reason') ?? c.error?.message,
    };
    afterAnswer(() => {
      log.info(line, 'audit');
    });
  });
}
