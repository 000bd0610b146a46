import { Context } from '@temporalio/activity';
import { isEndState } from '../../contract/states.ts';
import { MIN_AGE_OF_UNKNOWN_RECORD_MS } from '../../contract/upkeep.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { systemClock } from '../locks/lock-clock.ts';
import type { ActivityDependencies, JobDirectory } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { fenceLocks } from '../locks/job-locks.ts';
import { wasAccepted } from '../record/was-accepted.ts';

export interface FenceTask {
  correlationId: string;
}

export type Fencing =
  /** Its record is closed, or there is none: nothing is left to find out. */
  | { found: 'settled' }
  /** It was not ended by force: its workflow runs, or is for another namespace to know. */
  | { found: 'running' }
  /** Temporal does not know it, and may be behind: to be asked again after so many milliseconds. */
  | { found: 'young'; forMs: number }
  /**
   * It was ended by force, and none of its attempts may write any more. `endedAt`: null where nobody knows; `wasBegun`:
   * whether it had been accepted, and a copy may have been ordered.
   */
  | {
      found: 'lost';
      endedAt: number | null;
      wasBegun: boolean;
      locks: number;
      isBulk: boolean;
    };

/**
 * Sees whether a job was ended by force, and if so marks its record and takes its locks away from what is left of it. May
 * be repeated.
 */
export async function fenceJob(
  { storage, jobs, log, clock = systemClock }: ActivityDependencies,
  { correlationId }: FenceTask,
): Promise<Fencing> {
  using _lease = new Lease(Context.current());
  try {
    const stored = await storage.records.read(correlationId);
    if (stored === undefined || isEndState(stored.record.status.state)) return { found: 'settled' };
    let { record } = stored;
    const end = await findEnd(jobs, record);
    if (end === 'running') return { found: 'running' };
    if (end === 'unknown') {
      const age = clock.now() - ((await storage.records.claimedAt(record)) ?? 0);
      const forMs = MIN_AGE_OF_UNKNOWN_RECORD_MS - Math.max(age, 0);
      if (forMs > 0) return { found: 'young', forMs };
    }
    // First of all: what is left of the job may be about to write another end, and asking its workflow may set that off.
    record = await storage.records.markLost(stored);
    if (isEndState(record.status.state)) return { found: 'settled' };
    const { endedAt, state } = end === 'unknown' ? { endedAt: null, state: undefined } : end;
    const accepted = state === undefined || state === 'Cancelling' ? await wasAccepted(storage, record) : undefined;
    const locks = await fenceLocks(storage.locks, record);
    log.warn({ correlationId, locks }, 'a job was ended by force; what became of its files is being found out');
    const isBulk = record.bulk !== null;
    // The state is set in the same breath as the first copy is ordered: one that is still Requested copied nothing. Where
    // it does not tell, nothing was copied by one that had not been accepted, whatever equal copies others have made since.
    return { found: 'lost', endedAt, wasBegun: accepted ?? state !== 'Requested', locks, isBulk };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** How the job's workflow ended, as far as Temporal knows. */
async function findEnd(
  jobs: JobDirectory,
  { correlationId, chain }: JobRecord,
): Promise<'running' | 'unknown' | { endedAt: number | null; state: string | undefined }> {
  if (chain.namespace !== jobs.namespace) return 'running';
  const execution = await jobs.find(correlationId);
  if (execution === undefined) return 'unknown';
  // Another chain has taken the id: this one has ended some time before.
  if (execution.firstRunId !== chain.firstRunId) return { endedAt: null, state: undefined };
  if (execution.isRunning) return 'running';
  return { endedAt: execution.endedAt, state: execution.state };
}
