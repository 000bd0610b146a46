import { Client, Connection } from '@temporalio/client';
import type { ApiConfig } from '../config/config.ts';
import type { Logger } from '../config/logger.ts';
import type { TemporalConfig } from '../config/temporal.ts';
import { createStorage } from '../storage/index.ts';
import type { Tracing } from '../telemetry/index.ts';
import type { OpenInput } from './body/receive-copy-request.ts';
import { createCollectionList, type CollectionList } from './collections/collection-list.ts';
import { CopyStarter } from './jobs/copy-starter.ts';
import { JobControl } from './jobs/job-control.ts';
import { JobFinder } from './jobs/job-finder.ts';
import { JobReconciler } from './jobs/job-reconciler.ts';
import type { JobService } from './jobs/job-service.ts';
import { JobLister } from './jobs/job-list.ts';
import { JobRetry } from './jobs/job-retry.ts';
import { JobViews } from './jobs/job-views.ts';
import { JobWaiter } from './jobs/job-waiter.ts';
import { UnusedInputs } from './jobs/unused-inputs.ts';
import { createReadiness, type Readiness } from './readiness.ts';

/** A request to storage that takes longer, in milliseconds, counts as not answered: POST has 6 s in all. */
const STORAGE_TIMEOUT_MS = 2_000;

/** A caller waits: what fails in passing is tried again only where that is quick. */
const STORAGE_REPEAT_WITHIN_MS = 500;

/** What the routes work on: jobs, collections and stored lists, and whether what they rest on answers. */
export interface Backend {
  jobs: JobService;
  collections: CollectionList;
  openInput: OpenInput;
  readiness: Readiness;
  close(): Promise<void>;
}

/** Puts it together on Temporal's client and storage. Connects when first used. */
export function createBackend(deps: {
  config: ApiConfig;
  temporal: TemporalConfig;
  log: Logger;
  /** How long a worker's answer to a query is waited for, in milliseconds; default: as deadlines.ts has it. */
  queryMs?: number | undefined;
  /** Where traces are wanted. */
  tracing?: Tracing | undefined;
}): Backend {
  const { config, temporal, log, queryMs, tracing } = deps;
  const connection = Connection.lazy(temporal.connectionOptions);
  const interceptors = { workflow: tracing === undefined ? [] : [tracing.workflowClient] };
  const client = new Client({ connection, namespace: temporal.namespace, interceptors });
  const storage = createStorage(config.storage, {
    repeatWithinMs: STORAGE_REPEAT_WITHIN_MS,
    timeoutMs: STORAGE_TIMEOUT_MS,
    observer: tracing?.storage,
  });
  const { records, chunks, inputs } = storage;
  const starter = new CopyStarter({ client, records, taskQueue: config.taskQueue, log });
  const reconciler = new JobReconciler({ client, taskQueue: config.taskQueue, log });
  const finder = new JobFinder({ client, records, reconciler, log });
  const views = new JobViews({ client, records, chunks, taskQueue: config.taskQueue, queryMs, log });
  const control = new JobControl(client, finder, views);
  const waiter = new JobWaiter({
    ...{ client, starter, finder, views },
    unusedInputs: new UnusedInputs({ client, inputs, log }),
  });
  const lister = new JobLister(client, finder, views, log);
  const openInput: OpenInput = (correlationId) => inputs.create(correlationId);
  const retry = new JobRetry({ finder, views, waiter, chunks, inputs });

  const jobs: JobService = {
    copy: (job, patience) => waiter.copy(job, patience),
    retry: (job, patience) => retry.retry(job, patience),
    status: async (correlationId, viewer) => views.status(correlationId, await finder.find(correlationId, viewer)),
    page: async (correlationId, viewer, page) =>
      views.page(correlationId, await finder.find(correlationId, viewer), page),
    list: (filter, page) => lister.list(filter, page),
    control: (correlationId, viewer, action) => control.control(correlationId, viewer, action),
  };

  const readiness = createReadiness({
    ...{ client, connection, namespace: temporal.namespace },
    ...{ objects: storage.objects, controlBucket: config.storage.controlBucket },
  });
  const collections = createCollectionList(storage.collections, log);
  return { jobs, collections, openInput, readiness, close: () => connection.close() };
}
