import type { Clock } from '../../storage/pacing/clock.ts';

/** Wakes one who waits. A ring while nobody waits is not lost. */
export class Bell {
  readonly #clock: Clock;
  #hasRung = false;
  #wake: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake();
  }

  /** Resolves when the bell rings, or has since the last wait, and after so many milliseconds. */
  async wait(ms: number): Promise<void> {
    if (!this.#hasRung) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => {
        resolve(undefined);
      };
      const cancel = this.#clock.after(ms, this.#wake);
      await promise;
      cancel();
    }
    this.#hasRung = false;
  }

  /** Whether the work is done within so many milliseconds. */
  async within(ms: number, work: Promise<unknown>): Promise<boolean> {
    const { promise: overdue, resolve } = Promise.withResolvers<false>();
    const cancel = this.#clock.after(ms, () => {
      resolve(false);
    });
    try {
      return await Promise.race([work.then(() => true), overdue]);
    } finally {
      cancel();
    }
  }
}
