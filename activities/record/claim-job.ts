import { isDeepStrictEqual } from 'node:util';
import { Context } from '@temporalio/activity';
import type {
  AdmissionOutcome,
  CollectionLocation,
  CopyFilesInput,
  CopyRequest,
  JobOwner,
  JobStatus,
} from '../../contract/messages.ts';
import { emptyCounts, isEndState } from '../../contract/states.ts';
import { requestedBy, type JobRecord } from '../../storage/job-records.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, toControlFailure } from '../failures.ts';
import { givingBack, type FirstAttempt } from '../locks/first-attempt.ts';
import { Lease } from '../locks/lease.ts';
import { wasAccepted } from './was-accepted.ts';
import type { ClaimUnderWay } from '../locks/stale-locks.ts';

/** The record, among what a first attempt has made. */
export const RECORD = 'record';

export interface ClaimTask {
  owner: JobOwner;
  taskQueue: string;
  input: CopyFilesInput<CopyRequest>;
  /** Where the request's files are, as far as the caller may know; kept with the claim. */
  collections: CollectionLocation[];
  /** Whether its files may be copied: then they are kept too, until the results tell of each of them. */
  isPlanned: boolean;
}

/**
 * `claimed`: the correlation id is this job's, now or since an earlier attempt, by a record of this generation. Otherwise
 * it belongs to a job that Temporal has forgotten, whose outcome and last known state are given.
 */
export type Claim =
  { claimed: true; recordGeneration: string } | { claimed: false; outcome: AdmissionOutcome; status: JobStatus };

/**
 * Claims the correlation id by making the job's record. A job that waits for locks claims again; it may find its
 * collections elsewhere by then, or closed. `clearUp` takes back what was done for the record that is replaced then: as
 * long as something of it is left, that record stands and tells where. A `first` attempt gives up where another one has
 * claimed it for the job.
 */
export async function claimJob(
  { storage }: ActivityDependencies,
  task: ClaimTask,
  clearUp: (replaced: JobRecord) => Promise<void> = () => Promise.resolve(),
  first?: FirstAttempt,
): Promise<Claim> {
  using lease = new Lease(Context.current());
  const { correlationId, firstRunId, namespace } = task.owner;
  const record = newRecord(task);
  try {
    const created = await storage.records.create(record);
    if (created !== undefined) {
      first?.note(RECORD, created);
      return { claimed: true, recordGeneration: created };
    }
    const stored = await storage.records.read(correlationId);
    if (stored === undefined) throw failure('STORAGE_UNAVAILABLE', 'the record vanished while it was being claimed');
    const { chain } = stored.record;
    const isAnothers = chain.firstRunId !== firstRunId || chain.namespace !== namespace;
    // Or a late attempt of a job that was ended by force, and has been settled since: it has no right to go on.
    if (isAnothers || stored.record.lost !== undefined || isEndState(stored.record.status.state)) {
      return { claimed: false, outcome: await outcomeOf(storage, stored.record), status: stored.record.status };
    }
    first?.expectOwn(RECORD, stored.generation);
    const isSame = isDeepStrictEqual(stored.record, record);
    if (isSame && first !== undefined) return { claimed: true, recordGeneration: stored.generation };
    // What an earlier attempt has made is made anew, be it the same: what that one still does by its generation is in vain.
    if (!isSame) await clearUp(stored.record);
    // It may be a later attempt's. What was read before this check is not.
    lease.check();
    const replaced = await storage.records.replace({ ...stored, record });
    if (replaced === undefined) {
      throw failure('STORAGE_UNAVAILABLE', 'the record changed while it was being claimed');
    }
    first?.note(RECORD, replaced);
    return { claimed: true, recordGeneration: replaced };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/**
 * Claims the correlation id beside the locks. `clearUp` is that of `claimJob`, and is told what is locked by then. The
 * locks may wait to be told whose the id is; that is known before anything is cleared up, which waits for the locks.
 * `giveBack` undoes what was locked: where the id is another job's, and of a `first` attempt where the claim has failed;
 * `claiming` settles after that.
 */
export function claimBesideLocks<Locked>(
  deps: ActivityDependencies,
  task: ClaimTask,
  locking: {
    take: (underWay: ClaimUnderWay) => Promise<Locked>;
    clearUp: (replaced: JobRecord, locked: Locked) => Promise<void>;
    giveBack: (locked: Locked) => Promise<void>;
    first?: FirstAttempt | undefined;
  },
): { claiming: Promise<Claim>; taking: Promise<Locked> } {
  const isOurs = Promise.withResolvers<boolean>();
  const taking = locking.take({ correlationId: task.owner.correlationId, claimed: isOurs.promise });
  const clearUp = async (replaced: JobRecord) => {
    isOurs.resolve(true);
    await locking.clearUp(replaced, await taking);
  };
  const claiming = claimJob(deps, task, clearUp, locking.first).then(
    async (claim) => {
      isOurs.resolve(claim.claimed);
      if (!claim.claimed) await locking.giveBack(await taking);
      return claim;
    },
    async (error: unknown) => {
      isOurs.resolve(false);
      const [taken] = await Promise.allSettled([taking]);
      if (taken.status === 'fulfilled' && locking.first !== undefined) {
        const about = { log: deps.log, correlationId: task.owner.correlationId };
        await givingBack(about, () => locking.giveBack(taken.value));
      }
      throw error;
    },
  );
  return { claiming, taking };
}

/** The record of a job that is not decided yet. */
export function newRecord({ owner, taskQueue, input, collections, isPlanned }: ClaimTask): JobRecord {
  const { correlationId, firstRunId, namespace } = owner;
  const { requestor, digest, request, receivedAt } = input;
  return {
    correlationId,
    chain: { namespace, firstRunId },
    caller: requestor.caller,
    digest,
    receivedAt,
    taskQueue,
    options: request.options,
    collections,
    entries: isPlanned && 'entries' in request ? request.entries : null,
    bulk: 'bulk' in request ? request.bulk : null,
    admission: null,
    status: {
      correlationId,
      state: 'Requested',
      counts: emptyCounts('entries' in request ? request.entries.length : 0),
      startedAt: receivedAt,
      endedAt: null,
      message: '',
    },
  };
}

/** What a repeated request is answered. */
async function outcomeOf(storage: StorageModule, record: JobRecord): Promise<AdmissionOutcome> {
  const { caller, digest, admission, status } = record;
  const isAccepted =
    admission === null && (isEndState(status.state) ? isAnyDone(status) : await wasAccepted(storage, record));
  return {
    ...{ caller, digest, requested: requestedBy(record) },
    admission: isAccepted ? { decision: 'accepted' } : admission,
  };
}

/** Records of jobs that were ended by force did not always say that these had been accepted. */
function isAnyDone({ counts }: JobStatus): boolean {
  return counts.completed + counts.skipped > 0;
}
