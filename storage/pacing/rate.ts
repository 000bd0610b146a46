/** How far starts may run ahead of their rate, in milliseconds: what a late timer has kept back goes out at once. */
const LEEWAY_MS = 20;

/** Spaces starts to so many a second (the generic cell rate algorithm, ITU-T I.371). */
export class Rate {
  #intervalMs: number;
  /** When the next start is due. */
  #due = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Holds for starts from now on; infinite: no bound. */
  set perSecond(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Milliseconds until the next start; 0: it may start now. */
  wait(now: number): number {
    return Math.max(0, this.#due - LEEWAY_MS - now);
  }

  started(now: number): void {
    this.#due = Math.max(this.#due, now) + this.#intervalMs;
  }
}
