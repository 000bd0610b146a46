import { Storage } from '@google-cloud/storage';
import type { StorageConfig } from '../config/config.ts';
import type { AuthorizationHeaders } from './json-api.ts';

/** A request to storage gets this long, in milliseconds; a rewrite call answers well within it. */
export const REQUEST_TIMEOUT_MS = 60_000;

/**
 * A request for what a job is decided by (collections, locks, records: small objects) gets this long, in milliseconds,
 * and is repeated no later than so long after it was first sent: both together end before the activity that waits for it
 * is given up (20 s), so that it fails by itself, with the reason.
 */
export const SHORT_REQUEST_TIMEOUT_MS = 8_000;

/** Headers with credentials are good for this long, in milliseconds: tokens are renewed minutes before they expire. */
const HEADERS_KEPT_MS = 15_000;

const NO_HEADERS: AuthorizationHeaders = {};

/** Where Cloud Storage is, and as whom it is asked. */
export interface StorageAccess {
  /** Scheme, host and port. */
  origin: string;
  /** Headers with credentials, the same object for as long as they are the same. Rejects where none can be had. */
  authorize: () => AuthorizationHeaders | Promise<AuthorizationHeaders>;
}

/**
 * Cloud Storage with Application Default Credentials, by Google's client library; or an emulator where one is set, which
 * gets no credentials. Sends nothing yet.
 */
export function accessStorage({ emulatorHost, projectId }: StorageConfig): StorageAccess {
  if (emulatorHost !== undefined) return { origin: emulatorHost, authorize: () => NO_HEADERS };
  const { apiEndpoint, authClient } = new Storage(projectId === undefined ? {} : { projectId });
  const fetchHeaders = async () => Object.fromEntries(await authClient.getRequestHeaders(apiEndpoint));
  return { origin: apiEndpoint, authorize: keepFor(HEADERS_KEPT_MS, fetchHeaders) };
}

/** Gives what was fetched last, at once, for so many milliseconds; then fetches again, once for all who ask meanwhile. */
function keepFor<T>(ms: number, fetch: () => Promise<T>): () => T | Promise<T> {
  let kept: { value: T; until: number } | undefined;
  let fetching: Promise<T> | undefined;
  return () => {
    if (kept !== undefined && performance.now() < kept.until) return kept.value;
    fetching ??= fetch()
      .then((value) => {
        kept = { value, until: performance.now() + ms };
        return value;
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  };
}
