import { MONOTONIC_CLOCK, type Clock } from './clock.ts';

/**
 * Bulk work waits no longer than this at a stretch, in milliseconds, and then has as long for itself: about as long as a
 * short job takes where nothing is in its way.
 */
const LONGEST_WAIT_MS = 100;

/** What is still in hand so long after the last piece was begun, in milliseconds, waits for storage: nobody is in its way. */
const SHORT_MS = 500;

/** Where short work was in hand so lately, in milliseconds, more of it is likely to come... */
const EXPECTED_MS = 2_000;

/** ...and comes behind fewer answers while bulk work has but this share of the lanes, which is as fast. */
const SHARE_OF_LANES = 0.125;

export interface RightOfWayOptions {
  /** Whether the process has all it can do: where it has not, nobody is in anybody's way. */
  isAtLimit: () => boolean;
  clock?: Clock;
}

/**
 * Has bulk work give way to short work where the process is at its limit: a short job is a chain of some twenty steps, each
 * of which would come behind all the answers to bulk writes that have arrived by then. Bulk work has half of the time in
 * any case.
 */
export class RightOfWay {
  readonly #isAtLimit: () => boolean;
  readonly #clock: Clock;
  /** Pieces of short work that are in hand, and when the last one was begun. */
  #inHand = 0;
  #begunAt = Number.NEGATIVE_INFINITY;
  /** When short work was begun last that more is likely to follow. */
  #followedAt = Number.NEGATIVE_INFINITY;
  /** Since when bulk work waits; undefined: it does not. */
  #heldSince: number | undefined;
  /** Until when it need not wait again. */
  #freeUntil = Number.NEGATIVE_INFINITY;
  #listener: () => void = () => undefined;

  constructor({ isAtLimit, clock = MONOTONIC_CLOCK }: RightOfWayOptions) {
    this.#isAtLimit = isAtLimit;
    this.#clock = clock;
  }

  /** Has somebody called whenever bulk work need not wait any more. */
  watch(listener: () => void): void {
    this.#listener = listener;
  }

  /** A piece of short work is in hand, until what this gives is called; `isFollowed`: more of it is to be expected. */
  begin({ isFollowed = true } = {}): () => void {
    this.#inHand += 1;
    this.#begunAt = this.#clock.now();
    if (isFollowed) this.#followedAt = this.#begunAt;
    return () => {
      this.#inHand -= 1;
      if (this.#inHand > 0 || this.#heldSince === undefined) return;
      this.#free(this.#clock.now());
      this.#listener();
    };
  }

  /** Of so many lanes, those that bulk work may have; one at least. */
  lanesOfBulk(lanes: number, now: number): number {
    if (now - this.#followedAt >= EXPECTED_MS || !this.#isAtLimit()) return lanes;
    return Math.ceil(lanes * SHARE_OF_LANES);
  }

  /** Milliseconds that bulk work is to wait, unless it is told before that it need not; 0: it may begin. */
  wait(now: number): number {
    if (this.#inHand === 0 || now - this.#begunAt >= SHORT_MS || now < this.#freeUntil) {
      this.waitsNoMore();
      return 0;
    }
    if (this.#heldSince === undefined) {
      if (!this.#isAtLimit()) return 0;
      this.#heldSince = now;
    }
    const left = this.#heldSince + LONGEST_WAIT_MS - now;
    if (left > 0) return left;
    this.#free(now);
    return 0;
  }

  /** Bulk work has nothing that waits, or need not wait: what it has waited by now is not owed to what comes later. */
  waitsNoMore(): void {
    this.#heldSince = undefined;
  }

  /** It has waited: it has as long for itself now. */
  #free(now: number): void {
    this.#freeUntil = now + (now - (this.#heldSince ?? now));
    this.#heldSince = undefined;
  }
}
