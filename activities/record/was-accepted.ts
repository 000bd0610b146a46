import type { StorageModule } from '../../storage/index.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { findJobLocks } from '../locks/job-locks.ts';

/**
 * Whether a job had been accepted whose record is open and whose workflow cannot be asked: from then on it holds its
 * locks, and what came of its files is stored. Where others have all its locks by now, and nothing came of its files, it
 * counts as not decided: nothing was done in its name. Throws StorageError.
 */
export async function wasAccepted(storage: StorageModule, record: JobRecord): Promise<boolean> {
  const [locks, isAnyDone] = await Promise.all([findJobLocks(storage.locks, record), hasDoneAny(storage, record)]);
  return locks.length > 0 || isAnyDone;
}

/** What was settled for it may be there already, and says of every file that it was cancelled. */
async function hasDoneAny({ records, chunks }: StorageModule, { correlationId, bulk }: JobRecord): Promise<boolean> {
  if (bulk === null) {
    for await (const { state } of records.readResults(correlationId)) {
      if (state === 'Completed' || state === 'Skipped') return true;
    }
    return false;
  }
  for await (const { completed, skipped } of chunks.listResults(correlationId)) {
    if (completed + skipped > 0) return true;
  }
  return false;
}
