import { Storage } from '@google-cloud/storage';
import type { StorageConfig } from '../config/config.ts';
import { StorageError, toStorageError } from './errors.ts';

/** A request to storage gets this long, in milliseconds; a rewrite call answers well within it. */
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

/**
 * Sends what a client of ours is to send, and waits for it no longer than the client's time-out: the library takes that
 * setting, but its HTTP layer (node-fetch 3) knows none, and a connection that is half open would never end. The request
 * itself goes on, as it does in storage whenever an answer is lost. Throws StorageError.
 */
export async function send<T>(client: Storage, request: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeoutMs = client.timeout ?? REQUEST_TIMEOUT_MS;
  const timer = setTimeout(() => {
    reject(new StorageError('unavailable', `no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    return await Promise.race([request(), late]);
  } catch (error) {
    throw toStorageError(error);
  } finally {
    clearTimeout(timer);
  }
}
