import { Context } from '@temporalio/activity';
import { isEndState } from '../../contract/states.ts';
import { noSweepCounts } from '../../contract/upkeep.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import type { Lock } from '../../storage/locks.ts';
import { systemClock } from '../locks/lock-clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { createStalenessCheck } from '../locks/stale-locks.ts';
import { AT_A_TIME, LOCKS_A_STEP, MIN_LOCK_AGE_MS } from './limits.ts';
import type { SweepStep, SweepTask } from './sweep-jobs.ts';
import { takeSome } from './take-some.ts';

/**
 * Looks at the next locks there are, and removes those whose job no longer runs. One whose job is still to be settled is
 * left to that: it tells since when the job may have written. May be repeated.
 */
export async function sweepLocks(deps: ActivityDependencies, { after }: SweepTask): Promise<SweepStep> {
  const { storage, clock = systemClock } = deps;
  using lease = new Lease(Context.current());
  const counts = noSweepCounts();
  // Has the holders settled too, each once.
  const isStale = createStalenessCheck(deps);
  const isNeeded = createNeedCheck(deps);
  try {
    const some = await takeSome(storage.locks.list({ from: after ?? undefined }), LOCKS_A_STEP);
    await mapConcurrently(some.items, AT_A_TIME, async ({ lock }) => {
      if (lease.isCancelled()) return;
      counts.locks += 1;
      if (clock.now() - lock.createdAt < MIN_LOCK_AGE_MS || !(await isStale(lock)) || (await isNeeded(lock))) return;
      if (await storage.locks.release(lock, lock.generation)) counts.stale += 1;
    });
    return { counts, after: some.isLast ? null : (some.items.at(-1)?.place ?? null) };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Whether the record of a lock's job is still open. Each job's is read once. */
function createNeedCheck({ storage: { records } }: ActivityDependencies): (lock: Lock<LockTarget>) => Promise<boolean> {
  const read = new Map<string, Promise<boolean>>();
  const isOpen = async (correlationId: string) => {
    try {
      const record = (await records.read(correlationId))?.record;
      return record !== undefined && !isEndState(record.status.state);
    } catch (error) {
      // A record that cannot be read will not be closed by anybody.
      if (isStorageError(error, 'malformed')) return false;
      throw error;
    }
  };
  return async function isNeeded({ owner }) {
    if (owner.kind !== 'job') return true;
    const reading = read.get(owner.correlationId) ?? isOpen(owner.correlationId);
    read.set(owner.correlationId, reading);
    return await reading;
  };
}
