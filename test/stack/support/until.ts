import { setTimeout as delay } from 'node:timers/promises';

interface UntilOptions {
  /** Longest wait, in milliseconds. */
  within?: number;
  /** Between two looks, in milliseconds. */
  every?: number;
}

/** Looks until there is something to see, and gives it. Fails, saying what did not happen, once the time is over. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { within = 60_000, every = 50 }: UntilOptions = {},
): Promise<T> {
  const giveUpAt = performance.now() + within;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > giveUpAt) throw new Error(`Not within ${within / 1_000} s: ${what}`);
    await delay(every);
  }
}
