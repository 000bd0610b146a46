import { Context } from '@temporalio/activity';
import { indexCollections, locate } from '../../contract/locate.ts';
import type { JobOwner } from '../../contract/messages.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import { isSameOwner, type Lock, type LockStore } from '../../storage/locks.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { attemptBegunAt, Lease } from './lease.ts';

/** Requests to lock objects at a time. */
const LOCKS_IN_FLIGHT = 32;

/** The job as the owner of its locks. */
export function ownerOf({ correlationId, chain }: JobRecord): JobOwner {
  return { kind: 'job', correlationId, ...chain };
}

/**
 * The locks that a job still holds: on its destinations, and on prefixes around them. Of a job whose files are not in
 * its record, all in its collections.
 */
export async function findJobLocks(locks: LockStore, record: JobRecord): Promise<Lock<LockTarget>[]> {
  const { entries, collections } = record;
  const owner = ownerOf(record);
  let found: Lock<LockTarget>[];
  if (entries === null) {
    found = await locks.findOverlapping(collections.map(({ bucket, prefix }) => ({ bucket, prefix })));
  } else {
    const places = indexCollections(collections);
    const destinations = entries.map((entry) => locate(entry, places).destination);
    found = (await Promise.all([locks.findAmong(destinations), locks.findOverlapping(destinations)])).flat();
  }
  return found.filter((lock) => isSameOwner(lock.owner, owner));
}

/**
 * Takes a job's locks away from whatever is left of it: each gets another generation, so that an attempt which looks
 * whether its lock still stands, as all do before they write, finds that it does not. One that another job takes over
 * meanwhile is as good. May be repeated.
 */
export async function fenceLocks(locks: LockStore, record: JobRecord): Promise<number> {
  const held = await findJobLocks(locks, record);
  await mapConcurrently(held, LOCKS_IN_FLIGHT, async (lock) => {
    await locks.renew(lock, attemptBegunAt());
  });
  return held.length;
}

export interface ReleaseJobLocksTask {
  correlationId: string;
}

/** Gives back the locks that a job which was ended by force still holds. */
export async function releaseJobLocks(
  { storage: { records, locks } }: ActivityDependencies,
  { correlationId }: ReleaseJobLocksTask,
): Promise<void> {
  using _lease = new Lease(Context.current());
  try {
    const stored = await records.read(correlationId);
    if (stored === undefined) return;
    await mapConcurrently(await findJobLocks(locks, stored.record), LOCKS_IN_FLIGHT, async (lock) => {
      await locks.release(lock, lock.generation);
    });
  } catch (error) {
    throw toControlFailure(error);
  }
}
