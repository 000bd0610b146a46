import { isDeepStrictEqual } from 'node:util';
import { Context } from '@temporalio/activity';
import {
  hasList,
  storedListOf,
  type BulkRequest,
  type CollectionLocation,
  type CollectionSource,
  type CopyFilesInput,
  type HeldPrefixLock,
  type JobOwner,
} from '../../contract/messages.ts';
import type { Claimed, Refused, Taken } from './admit-job.ts';
import { CollectionAccess } from '../access/collection-access.ts';
import { claimBesideLocks, claimJob, newRecord, RECORD, type ClaimTask } from '../record/claim-job.ts';
import { decideAhead, valueOf } from './decide-ahead.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, toControlFailure } from '../failures.ts';
import { planFirst, type FirstFiles } from './first-files.ts';
import { FirstAttempt } from '../locks/first-attempt.ts';
import { Lease } from '../locks/lease.ts';
import { lockPrefixes, type PrefixLocking } from '../locks/lock-prefixes.ts';
import { foreseeCollection, openCollection } from './open-collection.ts';
import { planList, type GrantedPlan } from '../planning/plan-list.ts';
import type { ListingCursor, ListingPlan } from '../planning/plan-listing.ts';
import { placesOf, startOf } from '../planning/listing-places.ts';
import { releaseLeft, releasePrefixLocks } from '../locks/release-locks.ts';
import type { LockTarget, PrefixRef } from '../../storage/lock-targets.ts';

/** What a bulk request comes to once it is read: places, and what has to be locked. */
export interface BulkPlan {
  collections: CollectionLocation[];
  /** Chunks of the plan, and files in them; null: a prefix, which is listed while it is copied. */
  chunks: number | null;
  requested: number | null;
  /** Where a prefix is listed behind the files of a list; absent: nothing else is. */
  behind?: ListingCursor;
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
  | (Claimed & {
      verdict: 'accepted';
      plan: BulkPlan;
      locks: HeldPrefixLock[];
      /** Under this name is kept what others hold, which the job does without; absent: nothing. */
      lockedPlaces?: string;
      /** Of a prefix, its first chunk; absent: nothing is listed yet. */
      listed?: ListingPlan;
    })
  | (Claimed & Refused)
  | (Claimed & Extract<PrefixLocking, { locked: false }> & { verdict: 'locked'; plan: BulkPlan })
  | Taken;

/**
 * Decides a bulk request: whose correlation id it is, access, of a list the sense of every line, then the locks on the
 * prefixes that are written. A dry run takes none. The first files under a prefix are listed and planned beside the
 * locks, so that copying begins at once. May be repeated at any point. Nothing is held where the verdict is not `accepted`.
 * As a local activity it gives up where another attempt has begun the same.
 */
export async function admitBulk(deps: ActivityDependencies, task: BulkAdmissionTask): Promise<BulkVerdict> {
  const { owner, taskQueue, input } = task;
  // A list is planned under the claim, so that goes first; a prefix is claimed beside the locks, as a short list is.
  if (hasList(input.request.bulk)) {
    const claim = await claimJob(deps, { owner, taskQueue, input, collections: [], isPlanned: false }, (replaced) =>
      releaseLeft(deps, replaced, []),
    );
    if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  }
  const first = FirstAttempt.current();
  // From its beginning on, so that it is noticed where this process is stopped between two of the steps.
  using lease = new Lease(Context.current());
  return await decideAhead<BulkPlan | Refused, BulkVerdict>({
    foreseen: foreseeRequest(deps, owner, input),
    // Access may have been withdrawn, or a collection moved, while the job waited: every try decides anew.
    read: async () => (await planThatStands(deps, task)) ?? (await readRequest(deps, owner, input)),
    decide: (read) => decide(deps, task, read, { first, lease }),
    isFinal: ({ verdict }) => verdict === 'taken',
  });
}

async function decide(
  deps: ActivityDependencies,
  task: BulkAdmissionTask,
  read: BulkPlan | Refused,
  { first, lease }: { first: FirstAttempt | undefined; lease: Lease },
): Promise<BulkVerdict> {
  const { owner, taskQueue, input } = task;
  const { bulk: source, options } = input.request;
  const plan = 'verdict' in read ? undefined : read;
  const takesLocks = plan !== undefined && options.dryRun !== true;
  const skipLocked = options.onLocked === 'skip';
  const claimTask = {
    ...{ owner, taskQueue, input, collections: plan?.collections ?? [] },
    isPlanned: plan !== undefined,
  };
  const { claiming, taking } = claimBesideLocks(deps, claimTask, {
    first,
    take: async (claiming) =>
      takesLocks ? await lockPrefixes(deps, { owner, ...plan, skipLocked }, { claiming, first }) : undefined,
    clearUp: async (replaced, locking) => {
      await releaseLeft(deps, replaced, locking?.locked === true ? locking.locks : [], first);
      // A list is planned by now; of a prefix, nothing is before the claim.
      if (!hasList(source)) await discardPlan(deps, owner, lease);
    },
    giveBack: async (locking) => {
      if (locking?.locked === true) await releasePrefixLocks(deps, { owner, locks: locking.locks });
    },
  });
  const { correlationId } = owner;
  const isFirst = first !== undefined;
  const firstTask = { correlationId, source, options, collections: plan?.collections ?? [], claiming, isFirst };
  // All are waited for, even where one fails: the next attempt must not meet the rest of this one.
  const [claimed, taken, planned] = await Promise.allSettled([
    claiming,
    taking,
    // A job that waits for its locks does not list again and again.
    plan !== undefined && task.plan === undefined ? planFirst(deps, firstTask) : undefined,
  ]);
  const [claim, locking, firstFiles] = [valueOf(claimed), valueOf(taken), valueOf(planned)];
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const { recordGeneration } = claim;
  if ('verdict' in read) return { ...read, recordGeneration };
  if (locking?.locked === false) {
    if (firstFiles !== undefined) await discardFirst(deps, owner, firstFiles);
    return { verdict: 'locked', plan: read, ...locking, recordGeneration };
  }
  if (firstFiles?.seen !== undefined) {
    deps.seen?.keep(firstFiles.seenKey, { ...firstFiles.seen, stoodAt: locking?.stoodAt });
  }
  const listed = firstFiles && { listed: firstFiles.plan };
  const kept = await keepLockedPlaces(deps, claimTask, recordGeneration, locking?.others ?? []);
  first?.note(RECORD, kept.recordGeneration);
  return { verdict: 'accepted', plan: read, locks: locking?.locks ?? [], ...kept, ...listed };
}

/**
 * Keeps what others hold, by a name that the record tells too: should the job be ended by force, nobody else knows that
 * it never wrote there. The record is changed as this attempt has claimed it, so that an earlier one cannot change it.
 */
async function keepLockedPlaces(
  { storage }: ActivityDependencies,
  claimTask: ClaimTask,
  recordGeneration: string,
  others: readonly LockTarget[],
): Promise<{ recordGeneration: string; lockedPlaces?: string }> {
  if (others.length === 0) return { recordGeneration };
  using lease = new Lease(Context.current());
  try {
    const lockedPlaces = await storage.lockedPlaces.keep(claimTask.owner.correlationId, others);
    lease.check();
    const record = { ...newRecord(claimTask), lockedPlaces };
    const replaced = await storage.records.replace({ record, generation: recordGeneration });
    if (replaced === undefined) throw failure('STORAGE_UNAVAILABLE', 'the record changed as the job was admitted');
    return { recordGeneration: replaced, lockedPlaces };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Takes back what this attempt has planned of a job that is not accepted: nobody is to see it as its files. */
async function discardFirst(
  { storage }: ActivityDependencies,
  { correlationId }: JobOwner,
  { plan }: FirstFiles,
): Promise<void> {
  try {
    for (const { chunk, generation } of plan.chunks) {
      if (generation !== undefined) await storage.chunks.removePlan(correlationId, chunk, generation);
    }
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Takes back all that was planned before for another record of this job. */
async function discardPlan(
  { storage }: ActivityDependencies,
  { correlationId }: JobOwner,
  lease: Lease,
): Promise<void> {
  try {
    await storage.chunks.trimPlan(correlationId, 0, () => {
      lease.check();
    });
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** The plan of a list that was read before; undefined where a collection it rests on has changed since. */
async function planThatStands(
  { storage }: ActivityDependencies,
  task: BulkAdmissionTask,
): Promise<BulkPlan | undefined> {
  const { bulk } = task.input.request;
  if (task.plan === undefined || !hasList(bulk)) return undefined;
  const { collections } = task.plan;
  const access = new CollectionAccess(storage.collections, task.input.requestor);
  await access.lookUp(collections.map(({ collectionId }) => collectionId));
  // Access was decided by these very documents.
  const isSame = collections.every((place) => isDeepStrictEqual(access.places.get(place.collectionId), place));
  if (!isSame) return undefined;
  if (bulk.kind !== 'manifest') return task.plan;
  await access.lookUp([bulk.collectionId]);
  return access.denied(bulk.collectionId, 'readonly') === undefined ? task.plan : undefined;
}

/** What is likely to be read of a prefix; a list is read before it is known what is in it. */
function foreseeRequest(
  deps: ActivityDependencies,
  { correlationId }: JobOwner,
  { requestor, request: { bulk: source } }: CopyFilesInput<BulkRequest>,
): BulkPlan | undefined {
  if (source.kind !== 'collection' || hasList(source)) return undefined;
  const foreseen = foreseeCollection(deps, { correlationId, requestor, source });
  return foreseen && { ...foreseen.plan, chunks: null, requested: null };
}

async function readRequest(
  deps: ActivityDependencies,
  owner: JobOwner,
  { requestor, request: { bulk: source } }: CopyFilesInput<BulkRequest>,
): Promise<BulkPlan | Refused> {
  const { correlationId } = owner;
  if (source.kind === 'collection') {
    const opened = await openCollection(deps, { correlationId, requestor, source });
    if (!opened.granted) return { verdict: 'refused', admission: opened.admission };
    const list = storedListOf(source);
    if (list === undefined) return { ...opened.plan, chunks: null, requested: null };
    const planned = await planList(deps, { owner, requestor, source: { kind: 'stored', ...list } });
    if (!planned.granted) return { verdict: 'refused', admission: planned.admission };
    return { ...opened.plan, ...planBehind(source, opened.plan.collections, planned) };
  }
  const planned = await planList(deps, { owner, requestor, source });
  return planned.granted ? planned : { verdict: 'refused', admission: planned.admission };
}

/** What is planned of a prefix, and where its listing goes on from there. */
function planBehind(
  source: CollectionSource,
  collections: readonly CollectionLocation[],
  { chunks, requested }: GrantedPlan,
): Pick<BulkPlan, 'chunks' | 'requested' | 'behind'> {
  const { from } = placesOf(source, collections);
  return {
    chunks,
    requested,
    behind: { ...startOf(source, from.collection), nextChunk: chunks, nextIndex: requested },
  };
}
