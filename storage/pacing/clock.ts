/** What pacing knows of time; tests bring their own. */
export interface Clock {
  /** Milliseconds by a clock that never goes back. */
  now(): number;
  /** Calls back after so many milliseconds, unless the function it gives is called before. */
  after(ms: number, callback: () => void): () => void;
}

export const MONOTONIC_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    // Less than none would be told as a mistake: it was due before it was asked for.
    const timer = setTimeout(callback, Math.max(ms, 0));
    return () => {
      clearTimeout(timer);
    };
  },
};
