import { Client, Connection } from '@temporalio/client';
import type { ApiConfig } from '../../config/config.ts';
import type { Logger } from '../../config/logger.ts';
import type { TemporalConfig } from '../../config/temporal.ts';
import { createStorage } from '../../storage/index.ts';
import type { Tracing } from '../../telemetry/index.ts';
import type { OpenInput } from '../body/receive-copy-request.ts';
import { createCollectionList, type CollectionList } from '../collections/collection-list.ts';
import { CopyStarter } from './copy-starter.ts';
import { DEADLINES, within } from './deadlines.ts';
import { JobControl } from './job-control.ts';
import { JobFinder } from './job-finder.ts';
import { JobReconciler } from './job-reconciler.ts';
import type { JobService } from './job-service.ts';
import { JobLister } from './job-list.ts';
import { JobRetry } from './job-retry.ts';
import { JobViews } from './job-views.ts';
import { JobWaiter } from './job-waiter.ts';
import { UnusedInputs } from './unused-inputs.ts';

/** A request to storage that takes longer, in milliseconds, counts as not answered: POST has 6 s in all. */
const STORAGE_TIMEOUT_MS = 2_000;

/** A caller waits: what fails in passing is tried again only where that is quick. */
const STORAGE_REPEAT_WITHIN_MS = 500;

export interface JobServiceHandle {
  jobs: JobService;
  collections: CollectionList;
  openInput: OpenInput;
  /** Each settles when the dependency answers, and throws where it does not. */
  readiness: { temporal(): Promise<void>; storage(): Promise<void> };
  close(): Promise<void>;
}

/** Puts the job service together on Temporal's client and the stored records. Connects when first used. */
export function createJobService(deps: {
  config: ApiConfig;
  temporal: TemporalConfig;
  log: Logger;
  /** How long a worker's answer to a query is waited for, in milliseconds; default: as deadlines.ts has it. */
  queryMs?: number | undefined;
  /** Where traces are wanted. */
  tracing?: Tracing | undefined;
}): Promise<JobServiceHandle> {
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
  const starter = new CopyStarter(client, records, config.taskQueue);
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

  const readiness = {
    temporal: () => within(client, DEADLINES.readiness, describeNamespace),
    // Any answer will do, that the bucket is empty too; a missing bucket throws.
    storage: async () => {
      await storage.objects.list({ bucket: config.storage.controlBucket, prefix: 'collections/' }).next();
    },
  };

  async function describeNamespace(): Promise<void> {
    await connection.workflowService.describeNamespace({ namespace: temporal.namespace });
  }

  const collections = createCollectionList(storage.collections, log);
  return Promise.resolve({ jobs, collections, openInput, readiness, close: () => connection.close() });
}
