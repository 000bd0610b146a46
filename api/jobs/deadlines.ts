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
} as const;

/** Runs one call of Temporal's client, which fails once the time is over. */
export async function within<T>(client: Client, timeoutMs: number, call: () => Promise<T>): Promise<T> {
  return await client.withDeadline(Date.now() + timeoutMs, call);
}
