import { Context } from '@temporalio/activity';
import type { HeldPrefixLock, JobOwner } from '../../contract/messages.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { targetKey, type LockTarget } from '../../storage/lock-targets.ts';
import { isSameOwner } from '../../storage/locks.ts';
import type { ObjectRef } from '../../storage/objects.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import type { FirstAttempt } from './first-attempt.ts';
import { attemptBegunAt, Lease } from './lease.ts';
import { checkOrder } from './lock-set.ts';
import { findJobLocks } from './job-locks.ts';

export interface ReleaseTask {
  owner: JobOwner;
  locks: { target: ObjectRef; generation: string }[];
}

export interface PrefixReleaseTask {
  owner: JobOwner;
  locks: HeldPrefixLock[];
}

const RELEASES_IN_FLIGHT = 32;

/** Gives the job's locks back. One that has been taken over or broken meanwhile is left alone. */
export async function releaseLocks(deps: ActivityDependencies, { owner, locks }: ReleaseTask): Promise<void> {
  await release(deps, owner, locks);
}

/** Gives the job's locks on prefixes back, in the same way. */
export async function releasePrefixLocks(
  deps: ActivityDependencies,
  { owner, locks }: PrefixReleaseTask,
): Promise<void> {
  const held = locks.map(({ bucket, prefix, generation }) => ({ target: { bucket, prefix }, generation }));
  await release(deps, owner, held);
}

/**
 * Gives back what an earlier attempt has left where the record that it made says the files were, but for what is held
 * now; a `first` attempt, what it has made itself.
 */
export async function releaseLeft(
  { storage }: ActivityDependencies,
  record: JobRecord,
  held: readonly LockTarget[],
  first?: FirstAttempt,
): Promise<void> {
  using lease = new Lease(Context.current());
  const kept = new Set(held.map(targetKey));
  try {
    const found = await findJobLocks(storage.locks, record);
    // They may be a later attempt's. What was found before this check is not.
    lease.check();
    const left = found.filter((lock) => !kept.has(targetKey(lock)));
    for (const lock of left) {
      if (first === undefined) checkOrder(lock, attemptBegunAt());
      else first.expectOwn(targetKey(lock), lock.generation);
    }
    await mapConcurrently(left, RELEASES_IN_FLIGHT, async (lock) => {
      await storage.locks.release(lock, lock.generation);
    });
  } catch (error) {
    throw toControlFailure(error);
  }
}

async function release(
  { storage, log }: ActivityDependencies,
  owner: JobOwner,
  locks: readonly { target: LockTarget; generation: string }[],
): Promise<void> {
  using _lease = new Lease(Context.current());
  try {
    await mapConcurrently(locks, RELEASES_IN_FLIGHT, async ({ target, generation }) => {
      if (await storage.locks.release(target, generation)) return;
      const lock = await storage.locks.read(target);
      if (lock === undefined || isSameOwner(lock.owner, owner)) return;
      log.warn(
        { correlationId: owner.correlationId, ...target, holder: lock.owner },
        'a lock was lost before its release',
      );
    });
  } catch (error) {
    throw toControlFailure(error);
  }
}
