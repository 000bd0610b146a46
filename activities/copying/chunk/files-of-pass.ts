/** What a pass over a chunk with a rate takes about, in seconds: it has one of its worker's few slots all the while. */
const PASS_SECONDS = 10 * 60;

/** So many files a pass writes however low its rate is: it is stored as a part of its own. */
const LEAST_FILES = 2;

/** How many files one pass over a chunk writes: what its rate allows in that time. */
export function filesOfPass(filesPerSecond = Number.POSITIVE_INFINITY): number {
  return Math.max(LEAST_FILES, Math.floor(PASS_SECONDS * filesPerSecond));
}
