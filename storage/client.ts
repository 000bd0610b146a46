import { Storage } from '@google-cloud/storage';
import type { StorageConfig } from '../config/config.ts';
import { inTime } from './in-time.ts';
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

/** Headers that are younger, in milliseconds, are not what a refused request was sent with: that was on its way. */
const HEADERS_NEW_MS = 2_000;

/** In the past, for Google's client library: a token that expired then is renewed before it is used. */
const LONG_AGO = 1;

/** Fetching credentials may take so long, in milliseconds; then they are fetched anew, for whoever asks next. */
const CREDENTIALS_TIMEOUT_MS = 10_000;

const NO_HEADERS: AuthorizationHeaders = {};

/** Where Cloud Storage is, and as whom it is asked. */
export interface StorageAccess {
  /** Scheme, host and port. */
  origin: string;
  /** Headers with credentials, the same object for as long as they are the same. Rejects where none can be had. */
  authorize: () => AuthorizationHeaders | Promise<AuthorizationHeaders>;
  /** Storage has refused the credentials (401), before they expired: the next ones are fetched anew. */
  refused: () => void;
}

export interface AccessOptions {
  /** Milliseconds by a clock that never goes back. */
  now?: () => number;
  /** How long fetching credentials may take, in milliseconds. */
  credentialsMs?: number;
}

/**
 * Cloud Storage with Application Default Credentials, by Google's client library; or an emulator where one is set, which
 * gets no credentials. Sends nothing yet.
 */
export function accessStorage(
  { emulatorHost, projectId }: StorageConfig,
  { now = () => performance.now(), credentialsMs = CREDENTIALS_TIMEOUT_MS }: AccessOptions = {},
): StorageAccess {
  if (emulatorHost !== undefined) {
    return { origin: emulatorHost, authorize: () => NO_HEADERS, refused: () => undefined };
  }
  const begin = () =>
    new Storage({
      ...(projectId !== undefined && { projectId }),
      clientOptions: { transporterOptions: { timeout: credentialsMs } },
    });
  const { apiEndpoint, authClient } = begin();
  let auth = authClient;
  const fetchHeaders = async (isRefused: boolean) => {
    if (isRefused) {
      const client = await auth.getClient();
      client.setCredentials({ ...client.credentials, expiry_date: LONG_AGO });
    }
    return Object.fromEntries(await auth.getRequestHeaders(apiEndpoint));
  };
  const headers = new Kept(HEADERS_KEPT_MS, now, async ({ isRefused }) => {
    try {
      return await inTime(fetchHeaders(isRefused), credentialsMs);
    } catch (error) {
      // Of some accounts the library waits for ever for an answer that was lost, and has whoever asks later wait as well.
      auth = begin().authClient;
      throw error;
    }
  });
  return {
    origin: apiEndpoint,
    authorize: () => headers.get(),
    refused: () => {
      headers.refuse(HEADERS_NEW_MS);
    },
  };
}

/** Gives what was fetched last, at once, for some time; then fetches again, once for all who ask meanwhile. */
class Kept<T> {
  readonly #forMs: number;
  readonly #now: () => number;
  readonly #fetch: (why: { isRefused: boolean }) => Promise<T>;
  #kept: { value: T; since: number } | undefined;
  #fetching: Promise<T> | undefined;
  #isRefused = false;

  constructor(forMs: number, now: () => number, fetch: (why: { isRefused: boolean }) => Promise<T>) {
    this.#forMs = forMs;
    this.#now = now;
    this.#fetch = fetch;
  }

  get(): T | Promise<T> {
    if (this.#kept !== undefined && this.#now() < this.#kept.since + this.#forMs) return this.#kept.value;
    this.#fetching ??= this.#renew();
    return this.#fetching;
  }

  async #renew(): Promise<T> {
    try {
      const value = await this.#fetch({ isRefused: this.#isRefused });
      this.#isRefused = false;
      this.#kept = { value, since: this.#now() };
      return value;
    } finally {
      this.#fetching = undefined;
    }
  }

  /** Forgets what is kept, unless it is younger than so many milliseconds: it is no good. */
  refuse(newMs: number): void {
    if (this.#kept === undefined || this.#now() < this.#kept.since + newMs) return;
    this.#kept = undefined;
    this.#isRefused = true;
  }
}
