import { Context } from '@temporalio/activity';
import { countFiles } from '../../contract/file-records.ts';
import type { Admission, JobStatus } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import { addCounts, emptyCounts, isEndState, type JobCounts } from '../../contract/states.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { JobChunkStore } from '../../storage/job-chunks.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { systemClock } from '../locks/lock-clock.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';

export interface CloseLostJobTask {
  correlationId: string;
  /** When its workflow was closed, in milliseconds since the epoch; null: nobody knows. */
  endedAt: number | null;
  /** False: it was never decided. Absent: nobody asked, and it counts as accepted. */
  wasAccepted?: boolean;
}

/** Before what it was ended, where that says why there is no more to tell of its files. */
const UNLISTED = ' before all files under the prefix were listed';
const UNDECIDED = ' before it was decided';

/** Writes the end of a job that was ended by force, all its files having a result, into its record. May be repeated. */
export async function closeLostJob(
  { storage, clock = systemClock, log }: ActivityDependencies,
  { correlationId, endedAt, wasAccepted = true }: CloseLostJobTask,
): Promise<void> {
  using _lease = new Lease(Context.current());
  const { records } = storage;
  try {
    const stored = await records.read(correlationId);
    if (stored === undefined || isEndState(stored.record.status.state)) return;
    const { record, generation } = stored;
    const isCutShort = await wasCutShort(storage.chunks, record);
    const before = isCutShort ? UNLISTED : wasNeverGranted(record) ? UNDECIDED : '';
    const status: JobStatus = {
      correlationId,
      state: 'Terminated',
      counts: await finalCounts(storage, record),
      startedAt: record.receivedAt,
      endedAt: endedAt ?? clock.now(),
      message: reason('TERMINATED', `the job was ended by force in Temporal${before}`),
    };
    const admission: Admission | null = wasAccepted ? { decision: 'accepted' } : null;
    const end = { status, admission, entries: null, ...(isCutShort && { isCutShort }) };
    const replaced = await records.replace({ record: { ...record, ...end }, generation });
    if (replaced === undefined) {
      throw failure('STORAGE_UNAVAILABLE', 'the record changed while the end was being written');
    }
    log.info({ correlationId, counts: status.counts }, 'settled a job that was ended by force');
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Counts of what the results tell; of a job to which access was never granted, that so many files were asked for. */
async function finalCounts({ records, chunks }: StorageModule, record: JobRecord): Promise<JobCounts> {
  const { correlationId, bulk, status } = record;
  if (bulk !== null) return await bulkCounts(chunks, correlationId);
  if (wasNeverGranted(record)) return { ...emptyCounts(status.counts.requested), pending: 0 };
  return countFiles([...(await records.readFinal(correlationId)).values()]);
}

/** Whether access to what it asks for was not granted by then: of a short list that is open, its files are kept with that. */
function wasNeverGranted({ bulk, entries }: JobRecord): boolean {
  return bulk === null && entries === null;
}

/** Whether a prefix was not listed to its end, as far as the plan tells. */
async function wasCutShort(chunks: JobChunkStore, { correlationId, bulk }: JobRecord): Promise<boolean> {
  return bulk?.kind === 'collection' && (await chunks.lastPlanned(correlationId))?.isLast !== true;
}

/** As far as the files had been listed. */
async function bulkCounts(chunks: JobChunkStore, correlationId: string): Promise<JobCounts> {
  const counts = emptyCounts(0);
  for await (const part of chunks.listResults(correlationId)) {
    counts.requested += part.count;
    counts.pending += part.count;
    addCounts(counts, part);
  }
  return counts;
}
