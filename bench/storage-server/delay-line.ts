/** Timers round to milliseconds; what is due within half of one goes out with the others. */
const TOLERANCE_MS = 0.5;

/** Does things a settable time later. While it does not change, they come due in order: one timer serves them all. */
export class DelayLine {
  #latencyMs = 0;
  #waiting: { due: number; act: () => void }[] = [];
  #head = 0;
  #isTimed = false;

  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** Holds from the next call on; what waits already goes out at its own time, or after what it waits behind. */
  set latencyMs(latency: number) {
    this.#latencyMs = latency;
  }

  /** Acts after the latency, at once where there is none. */
  later(act: () => void): void {
    if (this.#latencyMs === 0 && this.#head === this.#waiting.length) {
      act();
      return;
    }
    this.#waiting.push({ due: performance.now() + this.#latencyMs, act });
    if (!this.#isTimed) this.#arm();
  }

  #arm(): void {
    const first = this.#waiting[this.#head];
    this.#isTimed = first !== undefined;
    if (first === undefined) return;
    setTimeout(
      () => {
        this.#release();
        this.#arm();
      },
      Math.max(1, Math.round(first.due - performance.now())),
    );
  }

  #release(): void {
    const now = performance.now() + TOLERANCE_MS;
    for (;;) {
      const first = this.#waiting[this.#head];
      if (first === undefined || first.due > now) break;
      this.#head += 1;
      first.act();
    }
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
