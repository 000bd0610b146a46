import { setTimeout as delay } from 'node:timers/promises';

/** Time, as far as taking locks depends on it. */
export interface LockClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds by a clock that never jumps. */
  elapsed(): number;
  /** Waits at least this many milliseconds, at most twice as many: those who wait for each other are not to keep step. */
  pause(ms: number): Promise<void>;
}

export const systemClock: LockClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  pause: (ms) => delay(ms * (1 + Math.random())),
};
