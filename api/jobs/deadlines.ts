import type { Client } from '@temporalio/client';

/** How long the API waits for others, in milliseconds. A POST is answered within 6 s whatever is down. */
export const DEADLINES = {
  /** For the decision of a request; past it the answer is 202. */
  admission: 5_000,
  /** Then, for making sure that the job is durable. */
  start: 800,
  /** For what Temporal knows without a worker. */
  describe: 3_000,
  /** For a worker's answer; without a worker it is always waited for in full, so it is short. */
  query: 1_500,
  signal: 3_000,
  /** For /readyz, which gives each dependency 2 s. */
  readiness: 1_500,
} as const;

/** A call of Temporal's client was not answered in time. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Runs one call of Temporal's client, which fails once the time is over. */
export async function within<T>(client: Client, timeoutMs: number, call: () => Promise<T>): Promise<T> {
  return await until(client, Date.now() + timeoutMs, call);
}

/** Runs one call of Temporal's client, which fails at this time (milliseconds since the epoch). */
export async function until<T>(client: Client, deadline: number, call: () => Promise<T>): Promise<T> {
  // The client looks at its deadline between retries only, and the pauses between those grow to seconds.
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new DeadlineError('Temporal did not answer in time'));
  }, deadline - Date.now());
  try {
    return await Promise.race([client.withDeadline(deadline, call), overdue]);
  } finally {
    clearTimeout(timer);
  }
}
