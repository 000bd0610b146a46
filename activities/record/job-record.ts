import { Context } from '@temporalio/activity';
import type { Admission, FileRecord, JobOwner, JobStatus } from '../../contract/messages.ts';
import { isEndState } from '../../contract/states.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { newRecord, type ClaimTask } from './claim-job.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { failure, toControlFailure } from '../failures.ts';

export interface SaveResultsTask {
  correlationId: string;
  /** Counts up from 0 within a job. */
  batch: number;
  files: FileRecord[];
}

/** Appends what became of some files to the job's record. */
export async function saveResults(
  { storage }: ActivityDependencies,
  { correlationId, batch, files }: SaveResultsTask,
): Promise<void> {
  try {
    await storage.records.appendResults(correlationId, batch, files);
  } catch (error) {
    throw toControlFailure(error);
  }
}

export interface CloseRecordTask {
  owner: JobOwner;
  admission: Admission;
  status: JobStatus;
  /** That a prefix was not listed to its end. */
  isCutShort?: boolean;
  /** That the job was cancelled before its request was decided. */
  isUnread?: boolean;
  /** What the record was made of, and is again, should somebody have deleted it. */
  claim: Omit<ClaimTask, 'owner' | 'isPlanned'>;
  /** The generation at which it was made; absent: it is to be looked up. */
  recordGeneration?: string | undefined;
}

/**
 * Writes the job's decision and end into its record, from which it is answered from then on, with its results. An end
 * that is there stays as it is, and is given: whoever was told of it is to hear of no other. So does the record of a job
 * that was said to have been ended by force; a record that was deleted while the job ran is made again. As a local
 * activity it leaves a record alone that was made anew since: another attempt has decided the job since.
 */
export async function closeRecord(
  { storage }: ActivityDependencies,
  { owner, admission, status, isCutShort, isUnread, claim, recordGeneration }: CloseRecordTask,
): Promise<JobStatus | undefined> {
  const { correlationId, firstRunId, namespace } = owner;
  const end = {
    ...{ admission, status, entries: null },
    ...(isCutShort === true && { isCutShort }),
    ...(isUnread === true && { isUnread }),
  };
  const closed: JobRecord = { ...newRecord({ owner, isPlanned: false, ...claim }), ...end };
  try {
    // Hardly ever has anybody changed it since: then there is no need to read it.
    if (recordGeneration !== undefined) {
      if ((await storage.records.replace({ record: closed, generation: recordGeneration })) !== undefined) {
        return undefined;
      }
    }
    const stored = await storage.records.read(correlationId);
    if (stored === undefined) {
      if ((await storage.records.create(closed)) !== undefined) return undefined;
      throw failure('STORAGE_UNAVAILABLE', 'the record was made while the end was being written');
    }
    if (stored.record.chain.firstRunId !== firstRunId || stored.record.chain.namespace !== namespace) {
      throw failure('INTERNAL_ERROR', `the record of job ${correlationId} is not this job's any more`);
    }
    const { record, generation } = stored;
    // The job was ended by force, and this attempt is late.
    if (record.lost !== undefined) return undefined;
    // By an attempt whose answer was lost, or of a workflow task that a signal has overtaken.
    if (isEndState(record.status.state)) return record.status;
    if (recordGeneration !== undefined && Context.current().info.isLocal) {
      throw failure('WORKER_LOST', 'another attempt has decided this job since');
    }
    const replaced = await storage.records.replace({ record: { ...record, ...end }, generation });
    if (replaced === undefined)
      throw failure('STORAGE_UNAVAILABLE', 'the record changed while the end was being written');
    return undefined;
  } catch (error) {
    throw toControlFailure(error);
  }
}
