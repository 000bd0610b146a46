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
  query: 2_500,
  signal: 3_000,
  /** For one look into Temporal's visibility store. */
  visibility: 3_000,
  /** For /readyz, which gives each dependency 2 s. */
  readiness: 1_500,
} as const;

/** A call of Temporal's client was not answered in time, or nobody waits for its answer any more. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Runs one call of Temporal's client, which fails once the time is over. */
export async function within<T>(client: Client, timeoutMs: number, call: () => Promise<T>): Promise<T> {
  return await until(client, Date.now() + timeoutMs, call);
}

/**
 * Runs one call of Temporal's client, which fails at this time (milliseconds since the epoch), or once the signal is
 * aborted.
 */
export async function until<T>(
  client: Client,
  deadline: number,
  call: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (signal?.aborted) throw new DeadlineError('nobody waits for the answer');
  // The client looks at its deadline between retries only, and the pauses between those grow to seconds.
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  // The client listens to the signal that it is given for as long as that one lives, and one of several sources lives as
  // long as they do: so it is given one of this call's own.
  const own = new AbortController();
  const giveUp = () => {
    reject(new DeadlineError('Temporal did not answer in time'));
    own.abort();
  };
  const timer = setTimeout(giveUp, deadline - Date.now());
  signal?.addEventListener('abort', giveUp);
  const bounded = () => client.withDeadline(deadline, call);
  try {
    return await Promise.race([
      signal === undefined ? bounded() : client.withAbortSignal(own.signal, bounded),
      overdue,
    ]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}
