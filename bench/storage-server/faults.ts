import { Refusal } from './bucket-store.ts';
import type { HttpAnswer } from './http-connection.ts';
import { refusalAnswer } from './resources.ts';

/** Kinds of faults: each request meets one of them at most. */
export const FAULTS = ['unavailable', 'rateLimited', 'resets', 'lostAnswers'] as const;
export type FaultKind = (typeof FAULTS)[number];

/**
 * Which share of the requests (0 to 1) is answered 503 or 429, broken off before it was carried out, or carried out and
 * then broken off.
 */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>;

/** Has requests go wrong, each by itself, as chance decides. */
export class Faults {
  /** How many requests met each kind. */
  readonly counts: Record<FaultKind, number> = { unavailable: 0, rateLimited: 0, resets: 0, lostAnswers: 0 };
  readonly #random: () => number;
  #rates: { kind: FaultKind; share: number }[] = [];

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Holds from the next request on; `{}`: none. */
  set rates(rates: FaultRates) {
    this.#rates = FAULTS.map((kind) => ({ kind, share: rates[kind] ?? 0 })).filter(({ share }) => share > 0);
  }

  get isAny(): boolean {
    return this.#rates.length > 0;
  }

  /** What becomes of a request that `proceed` would carry out. */
  meet(proceed: () => HttpAnswer): HttpAnswer | 'reset' {
    switch (this.#draw()) {
      case 'unavailable':
        return refusalAnswer(new Refusal(503, 'backendError', 'Backend Error'));
      case 'rateLimited':
        return refusalAnswer(new Refusal(429, 'rateLimitExceeded', 'The rate of requests is too high.'));
      case 'resets':
        return 'reset';
      case 'lostAnswers':
        proceed();
        return 'reset';
      case undefined:
        return proceed();
    }
  }

  #draw(): FaultKind | undefined {
    let at = this.#random();
    for (const { kind, share } of this.#rates) {
      at -= share;
      if (at >= 0) continue;
      this.counts[kind] += 1;
      return kind;
    }
    return undefined;
  }
}
