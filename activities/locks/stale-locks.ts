import { MIN_AGE_OF_UNKNOWN_LOCK_MS } from '../../contract/upkeep.ts';
import { placeOf, type LockTarget } from '../../storage/lock-targets.ts';
import type { Lock } from '../../storage/locks.ts';
import type { ActivityDependencies, JobDirectory } from '../dependencies.ts';
import { systemClock } from './lock-clock.ts';

/** The claim that a job makes on its correlation id beside its locks. */
export interface ClaimUnderWay {
  correlationId: string;
  /** Resolves with whether it is this job's. */
  claimed: Promise<boolean>;
}

/** Whether a lock holds nobody back any more. */
export type StalenessCheck = (lock: Lock<LockTarget>) => Promise<boolean>;

/**
 * A lock is stale when its job no longer runs: asked of Temporal, never of a clock. Where Temporal cannot be asked, the
 * lock stands; so does one set by hand, or of a namespace other than ours. Each job is asked about once, and has itself
 * settled before any of its locks counts as stale: until that has begun, all that was written under it is the job's. The
 * lock of an earlier job of the same correlation id, which `claim` is for, stands unless that is this job's now: it shows
 * that the earlier one was accepted (`wasAccepted`).
 */
export function createStalenessCheck(
  { jobs, log, clock = systemClock }: Pick<ActivityDependencies, 'jobs' | 'log' | 'clock'>,
  claim?: ClaimUnderWay,
): StalenessCheck {
  const states = new Map<string, ReturnType<JobDirectory['stateOf']>>();
  const reconciling = new Map<string, Promise<void>>();
  /** The job did not live to write its end. Whoever wants its locks does not wait for that. */
  const reconcile = (correlationId: string, job: string) => {
    const started = jobs.reconcile(correlationId);
    reconciling.set(job, started);
    return started;
  };
  return async function isStale(lock) {
    const { owner, createdAt } = lock;
    if (owner.kind !== 'job' || owner.namespace !== jobs.namespace) return false;
    if (owner.correlationId === claim?.correlationId && !(await claim.claimed)) return false;
    const job = `${owner.correlationId}/${owner.firstRunId}`;
    const asked = states.get(job) ?? jobs.stateOf(owner);
    states.set(job, asked);
    try {
      const state = await asked;
      const stale = state === 'ended' || (state === 'unknown' && clock.now() - createdAt > MIN_AGE_OF_UNKNOWN_LOCK_MS);
      if (stale) log.info({ correlationId: owner.correlationId, ...placeOf(lock), state }, 'found a stale lock');
      if (stale) await (reconciling.get(job) ?? reconcile(owner.correlationId, job));
      return stale;
    } catch (error) {
      log.warn({ err: error, correlationId: owner.correlationId }, 'cannot ask Temporal about the holder of a lock');
      return false;
    }
  };
}
