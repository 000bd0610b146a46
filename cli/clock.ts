import { setTimeout as delay } from 'node:timers/promises';

/** Time, as far as commands wait and measure. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits so many milliseconds; rejects with an AbortError where the signal says so. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** When so many seconds will be over, in milliseconds since the epoch; undefined where no time was given. */
export function deadlineAfter(seconds: number | undefined, clock: Clock): number | undefined {
  return seconds === undefined ? undefined : clock.now() + seconds * 1_000;
}

export const systemClock: Clock = {
  now: Date.now,
  pause: (ms, signal) => delay(ms, undefined, { signal }),
};
