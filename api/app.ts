import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { authenticated } from './auth/authenticate.ts';
import type { ApiApp, ApiDeps, ApiEnv } from './context.ts';
import { envelope } from './envelope.ts';
import { createErrorHandler } from './error-handler.ts';
import { LIMITS } from './limits.ts';
import { audit } from './middleware/audit.ts';
import { correlationId } from './middleware/correlation-id.ts';
import { boundedInFlight } from './middleware/in-flight.ts';
import { halfReadBody } from './middleware/half-read-body.ts';
import { measured } from './middleware/measured.ts';
import { ApiMetrics } from './metrics.ts';
import { noStore } from './middleware/no-store.ts';
import { Quota } from './quota.ts';
import { requestLog } from './middleware/request-log.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { traced } from './middleware/traced.ts';
import { controlJob } from './routes/control-job.ts';
import { copyFiles } from './routes/copy-files.ts';
import { docs } from './routes/docs.ts';
import { health } from './routes/health.ts';
import { jobEvents } from './routes/job-events.ts';
import { jobReport } from './routes/job-report.ts';
import { listCollections } from './routes/list-collections.ts';
import { listJobs } from './routes/list-jobs.ts';
import { metricsPage } from './routes/metrics.ts';
import { operatorPage } from './routes/operator-page.ts';
import { openApiDocument } from './routes/openapi-document.ts';
import { retryJob } from './routes/retry-job.ts';
import { statusLogs } from './routes/status-logs.ts';
import { trackFiles } from './routes/track-files.ts';
import { TEXTS } from './texts.ts';

/**
 * The HTTP API, without a socket: `fetch` and `request` answer. Reads of a request its method, path, query, own headers
 * and body; never Host or a forwarded header, so that nothing it says depends on who stands between.
 */
export function createApp(deps: ApiDeps): ApiApp {
  const app = new OpenAPIHono<ApiEnv>();

  const { metrics = new ApiMetrics() } = deps;
  app.use(requestLog(deps.log));
  app.use(measured(metrics));
  if (deps.tracing !== undefined) app.use(traced(deps.tracing.request));
  app.use(securityHeaders);
  app.use(noStore);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed(c, methods) {
        const allow = { allow: methods.join(', ') };
        if (c.req.method === 'OPTIONS') return c.body(null, 204, allow);
        return c.json(envelope(405, TEXTS.methodNotAllowed, null), 405, allow);
      },
    }),
  );
  app.use('/apollo/*', halfReadBody);
  app.use('/apollo/*', correlationId);
  app.use('/apollo/*', audit(deps.log));
  // Ahead of routing, so that a new route cannot forget it; an unknown one is told to nobody without a token either.
  app.use('/apollo/*', authenticated(deps.authenticate));
  const { limits = LIMITS } = deps;
  app.use('/apollo/*', boundedInFlight(limits.requests));
  const wholeJobs = new Quota(limits.wholeJobs);

  copyFiles(app, deps);
  controlJob(app, deps);
  listJobs(app, deps);
  retryJob(app, deps, wholeJobs);
  jobReport(app, deps, wholeJobs);
  listCollections(app, deps);
  statusLogs(app, deps, wholeJobs);
  trackFiles(app, deps, wholeJobs);
  jobEvents(app, deps);
  health(app, deps);
  metricsPage(app, metrics);
  docs(app, deps);
  operatorPage(app, deps);
  openApiDocument(app, deps);

  app.notFound((c) => c.json(envelope(404, TEXTS.noRoute, null), 404));
  app.onError(createErrorHandler(deps.log));
  return app;
}
