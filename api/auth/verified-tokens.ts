import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.ts';

/** Tokens that are remembered; past it the one that has not been seen for longest is forgotten. */
const MAX_TOKENS = 10_000;

interface Verified {
  key: unknown;
  caller: Caller;
  /** Milliseconds since the epoch. */
  from: number;
  until: number;
}

/**
 * Whose tokens were verified, and with which key: the same token and the same key give the same answer, and a signature
 * takes most of the time that a request spends here. By digest, so that no token is kept.
 */
export class VerifiedTokens {
  readonly #byDigest = new LRUCache<string, Verified>({ max: MAX_TOKENS });

  /** `from`: when it was verified; `until`: when the token ends. Milliseconds since the epoch. */
  remember(token: string, verified: Verified): void {
    this.#byDigest.set(digestOf(token), verified);
  }

  /**
   * Who this key says has sent it; undefined: it has to be verified, as where the clock has gone back since. Asks for the
   * key only where it is of use.
   */
  async find(token: string, now: number, keyOf: () => Promise<unknown>): Promise<Caller | undefined> {
    const digest = digestOf(token);
    const verified = this.#byDigest.get(digest);
    if (verified === undefined) return undefined;
    if (verified.from <= now && now < verified.until && (await keyOf()) === verified.key) return verified.caller;
    this.#byDigest.delete(digest);
    return undefined;
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
