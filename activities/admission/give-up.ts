import { Context } from '@temporalio/activity';
import type { BulkRequest, CopyFilesInput, JobOwner } from '../../contract/messages.ts';
import { isSameOwner, type LockStore } from '../../storage/locks.ts';
import type { Taken } from './admit-job.ts';
import { claimJob } from '../record/claim-job.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';

export interface GiveUpTask {
  owner: JobOwner;
  taskQueue: string;
  input: CopyFilesInput<BulkRequest>;
}

/** `planned`: files that an attempt to admit the job has planned; all of them the caller may copy. */
export type GivenUp = { verdict: 'givenUp'; planned: number; recordGeneration: string } | Taken;

/** Buckets whose locks are looked through at a time. */
const BUCKETS_AT_A_TIME = 16;

/**
 * Takes back what there is of a request that nobody goes on to decide, as its job is cancelled: nothing is locked
 * afterwards. What attempts at it have planned stays, and is told. May be repeated.
 */
export async function giveUpAdmission(
  deps: ActivityDependencies,
  { owner, taskQueue, input }: GiveUpTask,
): Promise<GivenUp> {
  const claim = await claimJob(deps, { owner, taskQueue, input, collections: [], isPlanned: false });
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const { storage } = deps;
  using _lease = new Lease(Context.current());
  try {
    await releaseAll(storage.locks, owner);
    const planned = await storage.chunks.countPlan(owner.correlationId, 0);
    return { verdict: 'givenUp', planned, recordGeneration: claim.recordGeneration };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** What an attempt has locked that did not live to tell of it may be in any bucket. */
async function releaseAll(locks: LockStore, owner: JobOwner): Promise<void> {
  const buckets = await Array.fromAsync(locks.listMarkedBuckets());
  await mapConcurrently(buckets, BUCKETS_AT_A_TIME, async (bucket) => {
    for (const lock of await locks.listPrefixes(bucket)) {
      if (isSameOwner(lock.owner, owner)) await locks.release(lock, lock.generation);
    }
  });
}

export interface CountPlannedTask {
  correlationId: string;
  /** The first chunk that is meant. */
  from: number;
}

/** Counts files that were planned by attempts that did not tell of them. */
export async function countPlanned(
  { storage }: ActivityDependencies,
  { correlationId, from }: CountPlannedTask,
): Promise<number> {
  try {
    return await storage.chunks.countPlan(correlationId, from);
  } catch (error) {
    throw toControlFailure(error);
  }
}
