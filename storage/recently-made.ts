/**
 * What this process has made and may soon want again, to be had once. Of more than there is room for, the first ones are
 * kept: they are wanted first.
 */
export class RecentlyMade<T> {
  readonly #most: number;
  readonly #forMs: number;
  readonly #kept = new Map<string, { value: T; until: number }>();

  /** `most`: how many are kept, for so many milliseconds. */
  constructor({ most, forMs }: { most: number; forMs: number }) {
    this.#most = most;
    this.#forMs = forMs;
  }

  keep(key: string, value: T): void {
    const now = performance.now();
    for (const [old, { until }] of this.#kept) if (until <= now) this.#kept.delete(old);
    if (this.#kept.size < this.#most) this.#kept.set(key, { value, until: now + this.#forMs });
  }

  /** Gives what was kept under this key, and keeps it no longer; undefined: nothing was, or too long ago. */
  take(key: string): T | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    return kept !== undefined && kept.until > performance.now() ? kept.value : undefined;
  }
}
