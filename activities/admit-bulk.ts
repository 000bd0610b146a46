import { isDeepStrictEqual } from 'node:util';
import type {
  BulkRequest,
  CollectionLocation,
  CopyFilesInput,
  HeldPrefixLock,
  JobOwner,
} from '../contract/messages.ts';
import type { Refusal, Taken } from './admit-job.ts';
import { CollectionAccess } from './collection-access.ts';
import { claimJob, type Claim } from './claim-job.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { lockPrefixes, type PrefixLocking } from './lock-prefixes.ts';
import { openCollection } from './open-collection.ts';
import { planList } from './plan-list.ts';
import { releasePrefixLocks } from './release-locks.ts';
import type { LockTarget, PrefixRef } from '../storage/lock-targets.ts';

/** What a bulk request comes to once it is read: places, and what has to be locked. */
export interface BulkPlan {
  collections: CollectionLocation[];
  /** Chunks of the plan, and files in them; null: a prefix, which is listed while it is copied. */
  chunks: number | null;
  requested: number | null;
  /** What is written under, and read. */
  prefixes: PrefixRef[];
  sources: LockTarget[];
}

export interface BulkAdmissionTask {
  owner: JobOwner;
  taskQueue: string;
  input: CopyFilesInput<BulkRequest>;
  /** Of an earlier try for the locks: a long list is read once, unless one of its collections changes. */
  plan?: BulkPlan;
}

/** What becomes of a bulk request, `locked` for the time being where it may wait. */
export type BulkVerdict =
  | { verdict: 'accepted'; plan: BulkPlan; locks: HeldPrefixLock[] }
  | Refusal
  | (Extract<PrefixLocking, { locked: false }> & { verdict: 'locked'; plan: BulkPlan })
  | Taken;

/**
 * Decides a bulk request: whose correlation id it is, access, of a list the sense of every line, then the locks on the
 * prefixes that are written. A dry run takes none. May be repeated at any point. Nothing is held where the verdict is not
 * `accepted`.
 */
export async function admitBulk(deps: ActivityDependencies, task: BulkAdmissionTask): Promise<BulkVerdict> {
  const { owner, taskQueue, input } = task;
  // A list is planned under the claim, so that goes first; a prefix is claimed beside the locks, as a short list is.
  if (input.request.bulk.kind !== 'collection') {
    const claim = await claimJob(deps, { owner, taskQueue, input, collections: [], isPlanned: false });
    if (!claim.claimed) return taken(claim);
  }
  // Access may have been withdrawn, or a collection moved, while the job waited: every try decides anew.
  const read = (await planThatStands(deps, task)) ?? (await readRequest(deps, owner, input));
  const plan = 'verdict' in read ? undefined : read;
  const takesLocks = plan !== undefined && input.request.options.dryRun !== true;
  // Both are waited for, even where one fails: the next attempt must not meet the rest of this one.
  const [claiming, taking] = await Promise.allSettled([
    claimJob(deps, { owner, taskQueue, input, collections: plan?.collections ?? [], isPlanned: plan !== undefined }),
    takesLocks ? lockPrefixes(deps, { owner, ...plan }) : undefined,
  ]);
  if (claiming.status === 'rejected') throw claiming.reason;
  if (taking.status === 'rejected') throw taking.reason;
  const [claim, locking] = [claiming.value, taking.value];
  if (!claim.claimed) {
    if (locking?.locked === true) await releasePrefixLocks(deps, { owner, locks: locking.locks });
    return taken(claim);
  }
  if ('verdict' in read) return read;
  if (locking?.locked === false) return { verdict: 'locked', plan: read, ...locking };
  return { verdict: 'accepted', plan: read, locks: locking?.locks ?? [] };
}

function taken({ outcome, status }: Extract<Claim, { claimed: false }>): Taken {
  return { verdict: 'taken', outcome, status };
}

/** The plan of a list that was read before; undefined where a collection it rests on has changed since. */
async function planThatStands(
  { storage }: ActivityDependencies,
  task: BulkAdmissionTask,
): Promise<BulkPlan | undefined> {
  const { bulk } = task.input.request;
  if (task.plan === undefined || bulk.kind === 'collection') return undefined;
  const { collections } = task.plan;
  const access = new CollectionAccess(storage.collections, task.input.requestor);
  await access.lookUp(collections.map(({ collectionId }) => collectionId));
  // Access was decided by these very documents.
  const isSame = collections.every((place) => isDeepStrictEqual(access.places.get(place.collectionId), place));
  if (!isSame) return undefined;
  if (bulk.kind === 'stored') return task.plan;
  await access.lookUp([bulk.collectionId]);
  return access.denied(bulk.collectionId, 'readonly') === undefined ? task.plan : undefined;
}

async function readRequest(
  deps: ActivityDependencies,
  owner: JobOwner,
  { requestor, request: { bulk: source } }: CopyFilesInput<BulkRequest>,
): Promise<BulkPlan | Refusal> {
  const { correlationId } = owner;
  if (source.kind === 'collection') {
    const opened = await openCollection(deps, { correlationId, requestor, source });
    return opened.granted
      ? { ...opened.plan, chunks: null, requested: null }
      : { verdict: 'refused', admission: opened.admission };
  }
  const planned = await planList(deps, { owner, requestor, source });
  return planned.granted ? planned : { verdict: 'refused', admission: planned.admission };
}
