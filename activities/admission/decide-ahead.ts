import { isDeepStrictEqual } from 'node:util';

interface Deciding<Read, Verdict> {
  /** What is likely to be read; undefined: nothing is known. */
  foreseen: Read | undefined;
  /** Reads what is decided by. */
  read: () => Promise<Read>;
  /** Decides by what was read, or is likely to be: whose job it is, and its locks. Takes back what it had done before. */
  decide: (read: Read) => Promise<Verdict>;
  /** Whether a verdict rests on nothing that was read. */
  isFinal: (verdict: Verdict) => boolean;
}

/**
 * Decides while that by which it is decided is still being read, where it is known what that will be: one round of
 * requests less for whoever waits. Nothing is decided by what is only foreseen: where something else is read, it is
 * decided anew. Throws what one of the two fails with; an attempt after that finds what this one
 * has left in place, as after any failure.
 */
export async function decideAhead<Read, Verdict>({
  foreseen,
  read,
  decide,
  isFinal,
}: Deciding<Read, Verdict>): Promise<Verdict> {
  if (foreseen === undefined) return await decide(await read());
  // Both are waited for, even where one fails: the next attempt must not meet the rest of this one.
  const [reading, deciding] = await Promise.allSettled([read(), decide(foreseen)]);
  const [current, verdict] = [valueOf(reading), valueOf(deciding)];
  if (isDeepStrictEqual(current, foreseen) || isFinal(verdict)) return verdict;
  return await decide(current);
}

/** What a promise has come to; throws what it failed with. */
export function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
