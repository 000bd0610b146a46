import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Logger } from '../config/logger.ts';
import type { Tracing } from '../telemetry/index.ts';
import type { Caller } from './auth/caller.ts';
import type { TokenVerifier } from './auth/verify-token.ts';
import type { Clock } from '../storage/pacing/clock.ts';
import type { ApiLimits } from './limits.ts';
import type { OpenInput } from './body/receive-copy-request.ts';
import type { CollectionList } from './collections/collection-list.ts';
import type { JobService } from './jobs/job-service.ts';
import type { ApiMetrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

/** What the API stands on, made by main.ts and by tests. */
export interface ApiDeps {
  jobs: JobService;
  collections: CollectionList;
  /** Stores the lists that are too long to travel in messages. */
  openInput: OpenInput;
  /** Verifies a bearer token; see createTokenVerifier. */
  authenticate: TokenVerifier;
  /** Each resolves where its dependency answers. Bounded by the health route, not by themselves. */
  readiness: Readiness;
  /** What status URLs start with, without a trailing slash; never taken from a request. */
  publicUrl: string;
  /** The list of workflows in Temporal's Web UI, without a trailing slash; the operator page links into it. */
  temporalUiUrl?: string | undefined;
  log: Logger;
  /** Aborted once the process is to end: whoever waits is answered then. */
  stopping?: AbortSignal;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** For what is done again and again, or given up after a while. */
  clock?: Clock;
  /** How long a readiness check may take, in milliseconds. */
  readinessTimeout?: number;
  /** What /metrics tells; default: of this app alone. */
  metrics?: ApiMetrics;
  /** Where traces are wanted. */
  tracing?: Pick<Tracing, 'request'> | undefined;
  /** The bounds of limits.ts, or a test's own. */
  limits?: ApiLimits;
}

/** What middleware leaves for those who come after it in the same request. */
export interface ApiEnv {
  Variables: {
    /** Who asks; there on every route under /apollo/ once its handler runs. */
    caller: Caller;
    /** The job this request is about, canonical; undefined until one is known. */
    correlationId: string | undefined;
    /** Why the request is answered as it is, for the audit log, where that says more than the answer. */
    reason: string | undefined;
  };
}

export type ApiApp = OpenAPIHono<ApiEnv>;
