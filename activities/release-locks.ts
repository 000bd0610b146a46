import { Context } from '@temporalio/activity';
import type { JobOwner } from '../contract/messages.ts';
import { isSameOwner } from '../storage/locks.ts';
import type { ObjectRef } from '../storage/objects.ts';
import { mapConcurrently } from './concurrency.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toControlFailure } from './failures.ts';
import { Lease } from './lease.ts';

export interface ReleaseTask {
  owner: JobOwner;
  locks: { target: ObjectRef; generation: string }[];
}

const RELEASES_IN_FLIGHT = 32;

/** Gives the job's locks back. One that has been taken over or broken meanwhile is left alone. */
export async function releaseLocks(
  { storage, log }: ActivityDependencies,
  { owner, locks }: ReleaseTask,
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
