import { setTimeout as delay } from 'node:timers/promises';

/** Time, as far as commands wait and measure. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits so many milliseconds; rejects with an AbortError where the signal says so. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  pause: (ms, signal) => delay(ms, undefined, { signal }),
};
