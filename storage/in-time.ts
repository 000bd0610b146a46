/**
 * What a promise gives. Rejects where that takes longer than so many milliseconds, with what `overdue` makes; what it waits
 * for goes on.
 */
export async function inTime<T>(
  promise: Promise<T>,
  timeoutMs: number,
  overdue = () => new Error(`no answer within ${timeoutMs} ms`),
): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(overdue());
  }, timeoutMs);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
