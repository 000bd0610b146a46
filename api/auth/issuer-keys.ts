import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** A 503 has to be out within 6 s; the keys usually answer in tens of milliseconds. */
const TIMEOUT_MS = 3_000;

/** Keys this old are read again before they are used, so that one that was withdrawn is soon gone. */
const FRESH_MS = 10 * 60_000;

/**
 * How long keys are used while the issuer does not answer: about as long as tokens live, so that whoever has one goes
 * on working, and no longer, lest a key stay good that was withdrawn meanwhile.
 */
const KEPT_MS = 24 * 3_600_000;

/**
 * Between two readings for keys that are not known, or that failed: rotation against a flood of false tokens, which must
 * not become a flood for the issuer, whether it answers or not.
 */
const PAUSE_MS = 10_000;

interface KeysOptions {
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

/**
 * The issuer's keys behind a URL: read when first needed, kept, and read again for a key that is not known. What it
 * gives throws jose's errors where a token's key is not there, and whatever the reading fails with.
 */
export function issuerKeys(url: string, { now = () => performance.now() }: KeysOptions = {}): JWTVerifyGetKey {
  // When to read is decided here: left to itself it would give up keys as soon as the issuer does not answer.
  const remote = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  });
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: { reason: unknown } | undefined;
  let reading: Promise<void> | undefined;

  /** Never rejects: what it failed with is kept. */
  async function readOnce(): Promise<void> {
    triedAt = now();
    try {
      await remote.reload();
      readAt = now();
      failure = undefined;
    } catch (reason) {
      failure = { reason };
    }
  }

  /** Begins to read the keys, where that does not go on already. */
  function beginReading(): Promise<void> {
    return (reading ??= readOnce().finally(() => {
      reading = undefined;
    }));
  }

  const isPausing = () => now() - triedAt < PAUSE_MS;

  /** Sees to it that there are keys to look into. Throws what the last reading failed with. */
  async function haveKeys(): Promise<void> {
    const age = now() - readAt;
    if (age < FRESH_MS) return;
    if (age >= KEPT_MS) {
      await beginReading();
      if (failure !== undefined) throw failure.reason;
      return;
    }
    if (isPausing()) return;
    const hasFailed = failure !== undefined;
    const read = beginReading();
    // An issuer that did not answer the last time is not waited for.
    if (!hasFailed) await read;
  }

  return async function findKey(header, token) {
    await haveKeys();
    try {
      return await remote(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!isPausing()) await beginReading();
      // It may be one of the keys that could not be read.
      if (failure !== undefined) throw failure.reason;
      return await remote(header, token);
    }
  };
}
