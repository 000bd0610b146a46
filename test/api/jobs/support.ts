import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { createActivities, LeaseGroups } from '../../../activities/index.ts';
import { createBackend } from '../../../api/backend.ts';
import type { JobService, NewJob, Reading } from '../../../api/jobs/job-service.ts';
import { requestorKeyword } from '../../../api/jobs/visibility-query.ts';
import { listDigest } from '../../../api/request-digest.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';
import { COPY_WORKFLOW } from '../../../contract/ids.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../../contract/search-attributes.ts';
import type { JobState } from '../../../contract/states.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { createJobDirectory } from '../../../worker/job-directory.ts';
import { makeTestStorage, type TestStorage } from '../../support/emulator.ts';
import { newTaskQueue, withWorker, type TestWorker } from '../../support/temporal-worker.ts';
import { sharedTemporal } from '../../support/temporal.ts';

export const silent = pino({ level: 'silent' });

export interface JobsWorld {
  jobs: JobService;
  client: Client;
  storage: TestStorage;
  worker: TestWorker;
}

/** The API's job service on real servers, and a worker of this test's own with the real activities. */
export async function withJobs<T>(
  use: (world: JobsWorld) => Promise<T>,
  { started = true, bulk = false, queryMs }: { started?: boolean; bulk?: boolean; queryMs?: number } = {},
): Promise<T> {
  const [{ address, namespace, client }, storage] = await Promise.all([sharedTemporal(), makeTestStorage()]);
  for (const [collectionId, bucket] of [
    ['originals', storage.sourceBucket],
    ['copies', storage.destinationBucket],
  ] as const) {
    await storage.emulator.putCollection({
      collectionId,
      collectionName: '',
      bucket,
      prefix: '',
      acl: { owner: ['*'] },
    });
  }
  const taskQueue = newTaskQueue();
  const activities = createActivities({
    storage: storage.connect({ autoRetry: true }),
    lanes: new Lanes({ lanes: 64, followsGuideline: false }),
    leases: new LeaseGroups(),
    jobs: createJobDirectory(client, taskQueue),
    log: silent,
    retentionMs: Number.POSITIVE_INFINITY,
  });
  return await withWorker(
    activities,
    async (worker) => {
      const service = createBackend({
        config: {
          storage: storage.config,
          taskQueue: worker.taskQueue,
          logLevel: 'silent',
          ims: { issuer: '', jwksUrl: '', audience: undefined },
          host: '',
          port: 0,
          publicUrl: undefined,
          temporalUiUrl: undefined,
        },
        temporal: { namespace, connectionOptions: { address } },
        log: silent,
        queryMs,
      });
      try {
        return await use({ jobs: service.jobs, client, storage, worker });
      } finally {
        await service.close();
      }
    },
    { started, bulk, taskQueue },
  );
}

/** A request of alice's for these files. */
export function newJob(fileNames: string[], changes: Partial<NewJob> = {}): NewJob {
  const entries = fileNames.map((fileName) => ({
    sourceCollectionId: 'originals',
    destinationCollectionId: 'copies',
    fileName,
    destinationFileName: fileName,
  }));
  const options = { ...DEFAULT_OPTIONS };
  return {
    correlationId: randomUUID(),
    requestor: { caller: 'alice', principals: ['alice'] },
    request: { entries, options },
    digest: listDigest(entries, options),
    receivedAt: Date.now(),
    ...changes,
  };
}

/** The reading of a job that somebody waits for. */
export const unbounded: Reading = { signal: new AbortController().signal, onEnd: () => undefined };

/** A workflow as the API starts it, which no worker ever sees; gives its id. */
export async function startUnseen(client: Client, caller: string, state: JobState = 'Requested'): Promise<string> {
  const workflowId = randomUUID();
  await client.workflow.start(COPY_WORKFLOW, {
    workflowId,
    taskQueue: 'nobody',
    args: [],
    memo: { caller, digest: '', requested: 2, receivedAt: Date.now() },
    typedSearchAttributes: [
      { key: COPY_REQUESTOR, value: requestorKeyword(caller) },
      { key: COPY_STATE, value: state },
    ],
  });
  return workflowId;
}
