import { ConfigError } from '../config/config.ts';
import { isStorageError } from './errors.ts';
import type { ObjectStore } from './objects.ts';

/** The control bucket, to whoever has set it. */
export function controlBucketText(bucket: string): string {
  return `the control bucket ${bucket} (CONTROL_BUCKET)`;
}

/**
 * Asks for the control bucket by a listing, which all who use it may do, and which is answered 404 for want of the bucket
 * alone: any other answer will do, that nothing is in it too. Throws ConfigError where storage answers that there is no such
 * bucket, and StorageError where that cannot be told.
 */
export async function findControlBucket(objects: ObjectStore, bucket: string): Promise<void> {
  try {
    await objects.list({ bucket, prefix: 'collections/' }, { atFirst: 1 }).next();
  } catch (error) {
    if (!isStorageError(error, 'notFound')) throw error;
    throw new ConfigError(`${controlBucketText(bucket)} does not exist`);
  }
}
