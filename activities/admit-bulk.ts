import type {
  BulkRequest,
  CollectionLocation,
  CopyFilesInput,
  HeldPrefixLock,
  JobOwner,
} from '../contract/messages.ts';
import type { Refusal, Taken } from './admit-job.ts';
import { claimJob } from './claim-job.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { lockPrefixes, type PrefixLocking } from './lock-prefixes.ts';
import { openCollection } from './open-collection.ts';
import { planList } from './plan-list.ts';
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
  /** Of an earlier try for the locks: a long list is read once. */
  plan?: BulkPlan;
}

/** What becomes of a bulk request, `locked` for the time being where it may wait. */
export type BulkVerdict =
  | { verdict: 'accepted'; plan: BulkPlan; locks: HeldPrefixLock[] }
  | Refusal
  | (Extract<PrefixLocking, { locked: false }> & { verdict: 'locked'; plan: BulkPlan })
  | Taken;

/**
 * Decides a bulk request: the claim first, because a plan is written under it; then access and, of a list, every line;
 * then the locks on the prefixes that are written. A dry run takes none. May be repeated at any point. Nothing is held
 * where the verdict is not `accepted`.
 */
export async function admitBulk(deps: ActivityDependencies, task: BulkAdmissionTask): Promise<BulkVerdict> {
  const { owner, taskQueue, input } = task;
  const claim = await claimJob(deps, { owner, taskQueue, input, collections: [], isPlanned: false });
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const read = task.plan ?? (await readRequest(deps, owner, input));
  if ('verdict' in read) return read;
  const { collections, prefixes, sources } = read;
  await claimJob(deps, { owner, taskQueue, input, collections, isPlanned: true });
  if (input.request.options.dryRun === true) return { verdict: 'accepted', plan: read, locks: [] };
  const locking = await lockPrefixes(deps, { owner, prefixes, sources, collections });
  return locking.locked
    ? { verdict: 'accepted', plan: read, locks: locking.locks }
    : { verdict: 'locked', plan: read, ...locking };
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
