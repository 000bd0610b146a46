import { Storage } from '@google-cloud/storage';
import type { StorageConfig } from '../config/config.ts';

/** One HTTP request to storage gets this long, in milliseconds; a rewrite call answers well within it. */
export const REQUEST_TIMEOUT_MS = 60_000;

/**
 * A client of Cloud Storage, or of an emulator where one is set. With `autoRetry` the library repeats what failed in
 * passing (three times within 10 s); without it every failure is the caller's at once.
 */
export function createStorageClient(
  config: StorageConfig,
  { autoRetry, timeoutMs }: { autoRetry: boolean; timeoutMs: number },
): Storage {
  const storage = new Storage({
    ...(config.projectId === undefined ? {} : { projectId: config.projectId }),
    ...(config.emulatorHost === undefined ? {} : { apiEndpoint: config.emulatorHost }),
    timeout: timeoutMs,
    retryOptions: { autoRetry, maxRetries: 3, totalTimeout: 10, maxRetryDelay: 2 },
  });
  // Where STORAGE_EMULATOR_HOST is set, the library leaves the API's path out of its URLs; emulators want it.
  if (config.emulatorHost !== undefined) storage.baseUrl = `${config.emulatorHost}/storage/v1`;
  return storage;
}
