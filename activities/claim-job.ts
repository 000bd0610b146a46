import { isDeepStrictEqual } from 'node:util';
import { Context } from '@temporalio/activity';
import type {
  AdmissionOutcome,
  CollectionLocation,
  CopyFilesInput,
  CopyRequest,
  JobOwner,
  JobStatus,
} from '../contract/messages.ts';
import { emptyCounts, isEndState } from '../contract/states.ts';
import { requestedBy, type JobRecord } from '../storage/job-records.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { failure, toControlFailure } from './failures.ts';
import { Lease } from './lease.ts';

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
 * long as something of it is left, that record stands and tells where.
 */
export async function claimJob(
  { storage }: ActivityDependencies,
  task: ClaimTask,
  clearUp: (replaced: JobRecord) => Promise<void> = () => Promise.resolve(),
): Promise<Claim> {
  using lease = new Lease(Context.current());
  const { correlationId, firstRunId, namespace } = task.owner;
  const record = newRecord(task);
  try {
    const created = await storage.records.create(record);
    if (created !== undefined) return { claimed: true, recordGeneration: created };
    const stored = await storage.records.read(correlationId);
    if (stored === undefined) throw failure('STORAGE_UNAVAILABLE', 'the record vanished while it was being claimed');
    const { chain } = stored.record;
    if (chain.firstRunId !== firstRunId || chain.namespace !== namespace) {
      return { claimed: false, outcome: outcomeOf(stored.record), status: stored.record.status };
    }
    // A late attempt of a job that was ended by force, and has been settled since: it has no right to go on.
    if (isEndState(stored.record.status.state)) {
      return { claimed: false, outcome: outcomeOf(stored.record), status: stored.record.status };
    }
    if (isDeepStrictEqual(stored.record, record)) return { claimed: true, recordGeneration: stored.generation };
    await clearUp(stored.record);
    // It may be a later attempt's. What was read before this check is not.
    lease.check();
    const replaced = await storage.records.replace({ ...stored, record });
    if (replaced === undefined) {
      throw failure('STORAGE_UNAVAILABLE', 'the record changed while it was being claimed');
    }
    return { claimed: true, recordGeneration: replaced };
  } catch (error) {
    throw toControlFailure(error);
  }
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

/** What a repeated request is answered. A job that was ended by force before it said how it decided counts as accepted. */
function outcomeOf(record: JobRecord): AdmissionOutcome {
  const { caller, digest, admission } = record;
  return { caller, digest, requested: requestedBy(record), admission: admission ?? { decision: 'accepted' } };
}
