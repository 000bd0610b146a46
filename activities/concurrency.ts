import { setImmediate } from 'node:timers/promises';

/**
 * Calls `work` for every item, at most `limit` at a time, and waits for all that were started: on an error nothing more
 * is started, and the first error is thrown once the rest has settled.
 */
export async function mapConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const lane = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        await work(items[index] as T, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

/**
 * What a request comes to; undefined once the signal is aborted: nobody waits for it then, nor hears of it where it fails.
 * Rejects where it fails before.
 */
export async function unlessAborted<T>(signal: AbortSignal, request: T | Promise<T>): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const stop = () => {
    resolve(undefined);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([aborted, request]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A piece of a long computation may take so long, in milliseconds. */
const LONGEST_PIECE_MS = 4;

/**
 * Divides a long computation into pieces, between which the process does what else there is to do: what waits for data is
 * no such break where the data is there already.
 */
export class Pieces {
  readonly #now: () => number;
  #begunAt: number;

  /** `now`: milliseconds by a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#begunAt = now();
  }

  /** To be called now and then: lets others have their turn where this piece has taken long enough. */
  async pause(): Promise<void> {
    if (this.#now() - this.#begunAt < LONGEST_PIECE_MS) return;
    await setImmediate();
    this.#begunAt = this.#now();
  }
}
