import { Context } from '@temporalio/activity';
import { parseCorrelationId } from '../../contract/ids.ts';
import { isEndState } from '../../contract/states.ts';
import { noSweepCounts, type SweepCounts } from '../../contract/upkeep.ts';
import { isStorageError } from '../../storage/errors.ts';
import { systemClock } from '../locks/lock-clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { AT_A_TIME, JOBS_A_STEP, MIN_ORPHAN_AGE_MS } from './limits.ts';
import { takeSome } from './take-some.ts';

export interface SweepTask {
  /** Where the step before has got to; null: the beginning. */
  after: string | null;
}

/** What a step did, and where the next one goes on; null: there is nothing left. */
export interface SweepStep {
  counts: SweepCounts;
  after: string | null;
}

/**
 * Looks at the next jobs there are: deletes what is older than the retention, and what was stored for a job that never
 * came to be; has those settled that were ended by force. May be repeated.
 */
export async function sweepJobs(deps: ActivityDependencies, { after }: SweepTask): Promise<SweepStep> {
  using lease = new Lease(Context.current());
  const counts = noSweepCounts();
  try {
    const some = await takeSome(deps.storage.folders.list(after ?? undefined), JOBS_A_STEP);
    // What is no correlation id is not ours.
    const ids = some.items.filter((name) => parseCorrelationId(name) === name);
    await mapConcurrently(ids, AT_A_TIME, async (correlationId) => {
      if (lease.isCancelled()) return;
      counts.jobs += 1;
      const done = await sweepJob(deps, correlationId).catch((error: unknown) => {
        // Whatever it is, it is not to keep all others from being swept.
        if (!isStorageError(error, 'malformed')) throw error;
        deps.log.warn({ err: error, correlationId }, 'a record cannot be read, and is left alone');
        return undefined;
      });
      if (done !== undefined) counts[done] += 1;
    });
    return { counts, after: some.isLast ? null : (some.items.at(-1) ?? null) };
  } catch (error) {
    throw toControlFailure(error);
  }
}

async function sweepJob(
  deps: ActivityDependencies,
  correlationId: string,
): Promise<'expired' | 'orphaned' | 'lost' | undefined> {
  const { storage, jobs, log, retentionMs, clock = systemClock } = deps;
  const stored = await storage.records.read(correlationId);
  if (stored === undefined) return await sweepOrphan(deps, correlationId);
  const { record, generation } = stored;
  const { state, endedAt } = record.status;
  if (isEndState(state)) {
    if (clock.now() - (endedAt ?? record.receivedAt) <= retentionMs) return undefined;
    if (!(await storage.folders.remove(correlationId, generation))) return undefined;
    log.info({ correlationId, state, endedAt }, 'deleted the record of a job that is older than the retention');
    return 'expired';
  }
  if (record.chain.namespace !== jobs.namespace) return undefined;
  if ((await jobs.stateOf({ kind: 'job', correlationId, ...record.chain })) === 'running') return undefined;
  await jobs.reconcile(correlationId);
  return 'lost';
}

/**
 * Deletes what stands in a folder without a record, which is the input of a job that never claimed its correlation id.
 * One that still may, as no worker has come up for a day, keeps it.
 */
async function sweepOrphan(
  { storage, jobs, log, clock = systemClock }: ActivityDependencies,
  correlationId: string,
): Promise<'orphaned' | undefined> {
  const youngest = await storage.folders.youngest(correlationId);
  if (youngest === undefined || clock.now() - youngest <= MIN_ORPHAN_AGE_MS) return undefined;
  if ((await jobs.find(correlationId))?.isRunning === true) return undefined;
  await storage.folders.remove(correlationId);
  log.info({ correlationId }, 'deleted what was stored for a job that has no record');
  return 'orphaned';
}
