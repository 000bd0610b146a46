import { isEndState } from '../../contract/states.ts';
import { UnreachableError } from '../cli-error.ts';
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

/** How a job stands now. Throws CliError. */
export async function lookAtJob(api: ApiClient, correlationId: string, tries?: number): Promise<Job> {
  const query = new URLSearchParams({ correlationId, limit: '1' });
  const options = tries === undefined ? {} : { tries, timeoutMs: LOOK_TIMEOUT_MS };
  const { answer } = await api.request(`/apollo/status/logs?${query.toString()}`, logsAnswer, options);
  return answer.job;
}

/**
 * Looks at a job until it has ended, or the time (in milliseconds) is over, and gives how it stands then. Once the API
 * has answered, it may be away for minutes. Throws CliError, and AbortError where the person interrupts.
 */
export async function followJob(
  api: ApiClient,
  correlationId: string,
  { clock, signal }: CliContext,
  { onJob, onSilence, timeoutMs = Infinity }: Watcher & { timeoutMs?: number | undefined },
): Promise<Job> {
  const startedAt = clock.now();
  let answeredAt = startedAt;
  let job: Job | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
    try {
      // The first answer shows that address and token are right; only then is silence a passing thing.
      job = await lookAtJob(api, correlationId, job === undefined ? undefined : 1);
      answeredAt = clock.now();
      onJob(job);
      // One that was ended by force is waited for until it is known what became of its files.
      if (isEndState(job.state) && job.endedAt !== null) return job;
    } catch (error) {
      const isPassing = error instanceof UnreachableError && clock.now() - answeredAt < PATIENCE_MS;
      if (job === undefined || !isPassing) throw error;
      onSilence(error);
    }
    const leftMs = startedAt + timeoutMs - clock.now();
    if (leftMs <= 0) return job;
    await clock.pause(Math.min(pauseMs, leftMs), signal);
  }
}
