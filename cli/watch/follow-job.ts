import { isEndState } from '../../contract/states.ts';
import { TimeOverError, UnreachableError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { logsAnswer, type Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';

/** Between two looks at a job, in milliseconds: often at first, since most jobs are short. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;

/** One look may take this long, in milliseconds: an API that is being replaced may leave it unanswered. */
const LOOK_TIMEOUT_MS = 15_000;

/** An API that was there and went away is waited for, this long at a time, in milliseconds. */
export const PATIENCE_MS = 10 * 60_000;

export interface Watcher {
  /** How the job stands; called at each look. */
  readonly onJob: (job: Job) => void;
  /** The API does not answer at the moment. */
  readonly onSilence: (error: UnreachableError) => void;
}

/** Whether nothing more becomes of a job: one that was ended by force is first settled. */
export function isSettled({ state, endedAt }: Job): boolean {
  return isEndState(state) && endedAt !== null;
}

/** How a job stands now; `tries` and `deadline` as of every request. Throws CliError. */
export async function lookAtJob(
  api: ApiClient,
  correlationId: string,
  { tries, deadline }: { tries?: number | undefined; deadline?: number | undefined } = {},
): Promise<Job> {
  const query = new URLSearchParams({ correlationId, limit: '1' });
  const options = { deadline, ...(tries !== undefined && { tries, timeoutMs: LOOK_TIMEOUT_MS }) };
  const { answer } = await api.request(`/apollo/status/logs?${query.toString()}`, logsAnswer, options);
  return answer.job;
}

/**
 * Looks at a job until it has ended, or the time is over (`deadline`, in milliseconds since the epoch), and gives how it stands then. Once the API
 * has answered, it may be away for minutes. Throws CliError, and AbortError where the person interrupts.
 */
export async function followJob(
  api: ApiClient,
  correlationId: string,
  { clock, signal }: CliContext,
  { onJob, onSilence, deadline = Infinity }: Watcher & { deadline?: number | undefined },
): Promise<Job> {
  let answeredAt = clock.now();
  let job: Job | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
    try {
      // The first answer shows that address and token are right; only then is silence a passing thing.
      job = await lookAtJob(api, correlationId, { deadline, ...(job !== undefined && { tries: 1 }) });
      answeredAt = clock.now();
      onJob(job);
      // One that was ended by force is waited for until it is known what became of its files.
      if (isSettled(job)) return job;
    } catch (error) {
      if (error instanceof TimeOverError && job !== undefined) return job;
      const isPassing = error instanceof UnreachableError && clock.now() - answeredAt < PATIENCE_MS;
      if (job === undefined || !isPassing) throw error;
      onSilence(error);
    }
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) return job;
    await clock.pause(Math.min(pauseMs, leftMs), signal);
  }
}
