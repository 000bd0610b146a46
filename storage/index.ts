import type { StorageConfig } from '../config/config.ts';
import { accessStorage, REQUEST_TIMEOUT_MS, SHORT_REQUEST_TIMEOUT_MS } from './client.ts';
import { CollectionCatalogue } from './collections.ts';
import { HttpRewriteTransport } from './http-rewrite-transport.ts';
import { JobChunkStore } from './job-chunks.ts';
import { JobFolderStore } from './job-folders.ts';
import { JobInputStore } from './job-inputs.ts';
import { JobRecordStore } from './job-records.ts';
import { JsonApi } from './json-api.ts';
import { LockedPlaceStore } from './locked-places.ts';
import { LockStore } from './locks.ts';
import { ObjectStore } from './objects.ts';
import type { StorageObserver } from './observer.ts';
import type { RewriteTransport } from './rewrite-transport.ts';

/** Everything the service keeps in, or asks of, Cloud Storage. */
export interface StorageModule {
  objects: ObjectStore;
  collections: CollectionCatalogue;
  locks: LockStore;
  lockedPlaces: LockedPlaceStore;
  records: JobRecordStore;
  folders: JobFolderStore;
  chunks: JobChunkStore;
  inputs: JobInputStore;
  transport: RewriteTransport;
}

/** How often a request that failed in passing is repeated at once; what goes on failing is the job's to retry. */
const RETRIES = 3;

export interface StorageOptions {
  /** `false`: a request that failed in passing is not repeated (rewrites never are). */
  autoRetry?: boolean;
  /** For whom somebody waits: nothing is repeated later than this, in milliseconds. Default: no bound. */
  repeatWithinMs?: number;
  /** Bounds each HTTP request, in milliseconds. */
  timeoutMs?: number;
  /** Bounds each HTTP request for what a job is decided by, where that is less, in milliseconds. */
  shortTimeoutMs?: number;
  /** Told of every request. */
  observer?: StorageObserver | undefined;
}

/** Puts the storage module together. Sends nothing yet. */
export function createStorage(
  config: StorageConfig,
  {
    autoRetry = true,
    repeatWithinMs = Number.POSITIVE_INFINITY,
    timeoutMs = REQUEST_TIMEOUT_MS,
    shortTimeoutMs = SHORT_REQUEST_TIMEOUT_MS,
    observer,
  }: StorageOptions = {},
): StorageModule {
  const access = accessStorage(config);
  const retries = autoRetry ? RETRIES : 0;
  const objects = new ObjectStore(new JsonApi({ ...access, retries, repeatWithinMs, timeoutMs, observer }));
  const short = new ObjectStore(
    new JsonApi({
      ...{ ...access, retries, observer },
      repeatWithinMs: Math.min(repeatWithinMs, shortTimeoutMs),
      timeoutMs: Math.min(timeoutMs, shortTimeoutMs),
    }),
  );
  return {
    objects,
    collections: new CollectionCatalogue(short, config.controlBucket),
    locks: new LockStore(short, config.controlBucket, observer),
    lockedPlaces: new LockedPlaceStore(objects, config.controlBucket),
    records: new JobRecordStore(short, config.controlBucket),
    folders: new JobFolderStore(objects, config.controlBucket),
    chunks: new JobChunkStore(objects, config.controlBucket),
    inputs: new JobInputStore(objects, config.controlBucket),
    transport: new HttpRewriteTransport({ ...access, timeoutMs, observer }),
  };
}
