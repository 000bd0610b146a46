import type { StorageConfig } from '../config/config.ts';
import { createJsonApi, REQUEST_TIMEOUT_MS } from './client.ts';
import { CollectionCatalogue } from './collections.ts';
import { createRewriteTransport } from './http-rewrite-transport.ts';
import { JobChunkStore } from './job-chunks.ts';
import { JobFolderStore } from './job-folders.ts';
import { JobInputStore } from './job-inputs.ts';
import { JobRecordStore } from './job-records.ts';
import { LockStore } from './locks.ts';
import { ObjectStore } from './objects.ts';
import type { RewriteTransport } from './rewrite-transport.ts';

/** Everything the service keeps in, or asks of, Cloud Storage. */
export interface StorageModule {
  objects: ObjectStore;
  collections: CollectionCatalogue;
  locks: LockStore;
  records: JobRecordStore;
  folders: JobFolderStore;
  chunks: JobChunkStore;
  inputs: JobInputStore;
  transport: RewriteTransport;
}

/** How often a request that failed in passing is repeated at once; what goes on failing is the job's to retry. */
const RETRIES = 3;

/**
 * Puts the storage module together. Sends nothing yet. `timeoutMs` bounds each HTTP request; with `autoRetry` false a
 * request that failed in passing is not repeated (rewrites never are).
 */
export function createStorage(
  config: StorageConfig,
  { autoRetry = true, timeoutMs = REQUEST_TIMEOUT_MS }: { autoRetry?: boolean; timeoutMs?: number } = {},
): StorageModule {
  const objects = new ObjectStore(createJsonApi(config, { retries: autoRetry ? RETRIES : 0, timeoutMs }));
  return {
    objects,
    collections: new CollectionCatalogue(objects, config.controlBucket),
    locks: new LockStore(objects, config.controlBucket),
    records: new JobRecordStore(objects, config.controlBucket),
    folders: new JobFolderStore(objects, config.controlBucket),
    chunks: new JobChunkStore(objects, config.controlBucket),
    inputs: new JobInputStore(objects, config.controlBucket),
    transport: createRewriteTransport(createJsonApi(config, { retries: 0, timeoutMs })),
  };
}
