import { Storage } from '@google-cloud/storage';
import type { StorageConfig } from '../config/config.ts';
import { JsonApi } from './json-api.ts';

/** A request to storage gets this long, in milliseconds; a rewrite call answers well within it. */
export const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Cloud Storage with Application Default Credentials, by Google's client library; or an emulator where one is set, which
 * gets no credentials. Sends nothing yet.
 */
export function createJsonApi(config: StorageConfig, options: { retries: number; timeoutMs: number }): JsonApi {
  const { emulatorHost, projectId } = config;
  if (emulatorHost !== undefined) {
    return new JsonApi({ origin: emulatorHost, authorize: () => Promise.resolve({}), ...options });
  }
  const { apiEndpoint, authClient } = new Storage(projectId === undefined ? {} : { projectId });
  return new JsonApi({
    origin: apiEndpoint,
    authorize: async () => Object.fromEntries(await authClient.getRequestHeaders(apiEndpoint)),
    ...options,
  });
}
