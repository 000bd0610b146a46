import type {
  AdmissionOutcome,
  CollectionLocation,
  CopyFilesInput,
  JobOwner,
  JobStatus,
  Refusal,
} from '../../contract/messages.ts';
import { indexCollections, locate } from '../../contract/locate.ts';
import { checkAccess, foreseeAccess, type Access } from '../access/check-access.ts';
import { claimBesideLocks } from '../record/claim-job.ts';
import { decideAhead, valueOf } from './decide-ahead.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { FirstAttempt } from '../locks/first-attempt.ts';
import { releaseLeft, releaseLocks, type ReleaseTask } from '../locks/release-locks.ts';
import { takeLocks, type HeldLock, type Locking } from '../locks/take-locks.ts';

export interface AdmissionTask {
  owner: JobOwner;
  taskQueue: string;
  input: CopyFilesInput;
}

/** A request that is not allowed, or makes no sense. */
export interface Refused {
  verdict: 'refused';
  admission: Refusal;
}

/** The correlation id belongs to a job that Temporal has forgotten. */
export interface Taken {
  verdict: 'taken';
  outcome: AdmissionOutcome;
  status: JobStatus;
}

/** The generation of the record that the correlation id was claimed by. */
export interface Claimed {
  recordGeneration: string;
}

/** What becomes of a request, `locked` for the time being where it may wait. */
export type Verdict =
  | (Claimed & { verdict: 'accepted'; collections: CollectionLocation[]; locks: (HeldLock | null)[] })
  | (Claimed & Refused)
  | (Claimed & Extract<Locking, { locked: false }> & { verdict: 'locked'; collections: CollectionLocation[] })
  | Taken;

/**
 * Decides a request: access first, then the claim on the correlation id and the locks, which need not wait for each
 * other. All of it in one activity, because a caller waits for the answer, and each further activity costs as much as
 * the requests to storage it makes. May be repeated at any point; what an earlier attempt has made is found in place.
 * A dry run takes no locks. Nothing is held where the verdict is not `accepted`. As a local activity it gives up where
 * another attempt has begun the same.
 */
export async function admitJob(deps: ActivityDependencies, task: AdmissionTask): Promise<Verdict> {
  const { owner, input } = task;
  const access = {
    correlationId: owner.correlationId,
    requestor: input.requestor,
    entries: input.request.entries,
  };
  const first = FirstAttempt.current();
  return await decideAhead<Access, Verdict>({
    foreseen: foreseeAccess(deps, access),
    read: () => checkAccess(deps, access),
    decide: (read) => decide(deps, task, read, first),
    isFinal: ({ verdict }) => verdict === 'taken',
  });
}

async function decide(
  deps: ActivityDependencies,
  { owner, taskQueue, input }: AdmissionTask,
  access: Access,
  first: FirstAttempt | undefined,
): Promise<Verdict> {
  const { entries, options } = input.request;
  const collections = access.granted ? access.collections : [];
  const takesLocks = access.granted && options.dryRun !== true;
  const skipLocked = options.onLocked === 'skip';
  const task = { owner, taskQueue, input, collections, isPlanned: access.granted };
  const lockTask = { owner, entries, collections, skipLocked };
  const { claiming, taking } = claimBesideLocks(deps, task, {
    first,
    take: async (claiming) => (takesLocks ? await takeLocks(deps, lockTask, { claiming, first }) : undefined),
    clearUp: async (replaced, locking) => {
      const held = locking?.locked === true ? heldLocks(input, collections, locking.locks) : [];
      const targets = held.map(({ target }) => target);
      await releaseLeft(deps, replaced, targets, first);
    },
    giveBack: async (locking) => {
      if (locking?.locked !== true) return;
      await releaseLocks(deps, { owner, locks: heldLocks(input, collections, locking.locks) });
    },
  });
  // Both are waited for, even where one fails: the next attempt must not meet the rest of this one.
  const [claimed, taken] = await Promise.allSettled([claiming, taking]);
  const [claim, locking] = [valueOf(claimed), valueOf(taken)];
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const { recordGeneration } = claim;
  if (!access.granted) return { verdict: 'refused', admission: access.admission, recordGeneration };
  if (locking?.locked === false) return { verdict: 'locked', collections, ...locking, recordGeneration };
  return { verdict: 'accepted', collections, locks: locking?.locks ?? [], recordGeneration };
}

function heldLocks(
  { request }: CopyFilesInput,
  collections: readonly CollectionLocation[],
  locks: readonly (HeldLock | null)[],
): ReleaseTask['locks'] {
  const places = indexCollections(collections);
  return request.entries.flatMap((entry, index) => {
    const lock = locks[index] ?? null;
    return lock === null ? [] : [{ target: locate(entry, places).destination, generation: lock.generation }];
  });
}
