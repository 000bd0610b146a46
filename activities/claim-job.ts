import type { AdmissionOutcome, CopyFilesInput, JobOwner, JobStatus } from '../contract/messages.ts';
import { emptyCounts } from '../contract/states.ts';
import type { JobRecord } from '../storage/job-records.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { failure, toControlFailure } from './failures.ts';

export interface ClaimTask {
  owner: JobOwner;
  taskQueue: string;
  input: CopyFilesInput;
}

/**
 * `claimed`: the correlation id is this job's, now or since an earlier attempt. Otherwise it belongs to a job that
 * Temporal has forgotten, whose outcome and last known state are given.
 */
export type Claim = { claimed: true } | { claimed: false; outcome: AdmissionOutcome; status: JobStatus };

/** Claims the correlation id by making the job's record. */
export async function claimJob(
  { storage }: ActivityDependencies,
  { owner, taskQueue, input }: ClaimTask,
): Promise<Claim> {
  const { correlationId, firstRunId, namespace } = owner;
  const { requestor, digest, request, receivedAt } = input;
  const record: JobRecord = {
    correlationId,
    chain: { namespace, firstRunId },
    caller: requestor.caller,
    digest,
    receivedAt,
    taskQueue,
    options: request.options,
    admission: null,
    status: {
      correlationId,
      state: 'Requested',
      counts: emptyCounts(request.entries.length),
      startedAt: null,
      endedAt: null,
      message: '',
    },
  };
  try {
    if (await storage.records.create(record)) return { claimed: true };
    const existing = (await storage.records.read(correlationId))?.record;
    if (existing === undefined) throw failure('STORAGE_UNAVAILABLE', 'the record vanished while it was being claimed');
    if (existing.chain.firstRunId === firstRunId && existing.chain.namespace === namespace) return { claimed: true };
    return { claimed: false, outcome: outcomeOf(existing), status: existing.status };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** What a repeated request is answered. A job that was ended by force before it said how it decided counts as accepted. */
function outcomeOf({ caller, digest, status, admission }: JobRecord): AdmissionOutcome {
  return { caller, digest, requested: status.counts.requested, admission: admission ?? { decision: 'accepted' } };
}
