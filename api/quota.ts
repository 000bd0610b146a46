import { overloaded } from './http-error.ts';
import type { Share } from './limits.ts';

/** Hands out shares of something there is only so much of. */
export class Quota {
  readonly #share: Share;
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(share: Share) {
    this.#share = share;
  }

  /**
   * Takes this much for a caller; gives the function that gives it back, once. Throws HttpError: 429 where the caller has
   * taken their share, 503 where all of it is taken.
   */
  take(caller: string, amount = 1): () => void {
    const own = this.#taken.get(caller) ?? 0;
    if (own + amount > this.#share.perCaller) throw overloaded('caller');
    if (this.#total + amount > this.#share.total) throw overloaded('service');
    this.#add(caller, amount);
    let isTaken = true;
    return () => {
      if (isTaken) this.#add(caller, -amount);
      isTaken = false;
    };
  }

  #add(caller: string, amount: number): void {
    this.#total += amount;
    const own = (this.#taken.get(caller) ?? 0) + amount;
    if (own === 0) this.#taken.delete(caller);
    else this.#taken.set(caller, own);
  }
}
