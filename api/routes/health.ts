import { createRoute, z } from '@hono/zod-openapi';
import { inTime } from '../../storage/in-time.ts';
import { MONOTONIC_CLOCK } from '../../storage/pacing/clock.ts';
import type { ApiApp, ApiDeps } from '../context.ts';
import { RETRY_AFTER_SECONDS } from '../http-error.ts';

/** How long a dependency may take to answer a probe, in milliseconds. */
const READINESS_TIMEOUT_MS = 2_000;

/**
 * For so long, in milliseconds, everybody is told what was found last: nobody needs a token to ask, and each look costs
 * requests to Temporal and to storage.
 */
const LOOK_LASTS_MS = 1_000;

const aliveSchema = z.strictObject({ status: z.literal('alive') }).openapi('Alive');
const check = z.enum(['ok', 'failed']);
const readySchema = z
  .strictObject({
    status: z.enum(['ready', 'unavailable']),
    checks: z.strictObject({ temporal: check, storage: check }),
  })
  .openapi('Readiness');

const json = <S extends z.ZodType>(description: string, schema: S, example: z.infer<S>) => ({
  description,
  content: { 'application/json': { schema, example } },
});

const healthRoute = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'health',
  tags: ['Service'],
  summary: 'Is the process alive',
  responses: { 200: json('It is.', aliveSchema, { status: 'alive' }) },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'readiness',
  tags: ['Service'],
  summary: 'Do Temporal and storage answer',
  responses: {
    200: json('Both do.', readySchema, { status: 'ready', checks: { temporal: 'ok', storage: 'ok' } }),
    503: json('One does not.', readySchema, { status: 'unavailable', checks: { temporal: 'failed', storage: 'ok' } }),
  },
});

/**
 * /healthz and /readyz: for whoever runs the process, without a token. Each check is bounded by a time-out of its own, and
 * is made once for all who ask at about that time.
 */
export function health(app: ApiApp, deps: ApiDeps): void {
  const { readiness, log, readinessTimeout = READINESS_TIMEOUT_MS, clock = MONOTONIC_CLOCK } = deps;

  async function probe(dependency: keyof typeof readiness): Promise<z.infer<typeof check>> {
    try {
      await inTime(readiness[dependency](), readinessTimeout);
      return 'ok';
    } catch (error) {
      log.warn({ err: error, dependency }, 'not ready');
      return 'failed';
    }
  }

  async function look(): Promise<z.infer<typeof readySchema>['checks']> {
    const [temporal, storage] = await Promise.all([probe('temporal'), probe('storage')]);
    return { temporal, storage };
  }

  let last: { at: number; checks: ReturnType<typeof look> } | undefined;
  function lastLook(): ReturnType<typeof look> {
    const at = clock.now();
    if (last === undefined || at - last.at >= LOOK_LASTS_MS) last = { at, checks: look() };
    return last.checks;
  }

  app.openapi(healthRoute, (c) => c.json({ status: 'alive' as const }, 200));
  app.openapi(readyRoute, async (c) => {
    const checks = await lastLook();
    if (checks.temporal === 'ok' && checks.storage === 'ok') return c.json({ status: 'ready' as const, checks }, 200);
    return c.json({ status: 'unavailable' as const, checks }, 503, { 'retry-after': String(RETRY_AFTER_SECONDS) });
  });
}
