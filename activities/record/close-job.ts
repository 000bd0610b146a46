import type { HeldPrefixLock, JobStatus } from '../../contract/messages.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { closeRecord, saveResults, type CloseRecordTask, type SaveResultsTask } from './job-record.ts';
import { releaseLocks, releasePrefixLocks, type ReleaseTask } from '../locks/release-locks.ts';

export interface CloseJobTask {
  /** Results that are not stored yet. */
  results?: SaveResultsTask;
  locks?: ReleaseTask['locks'];
  prefixLocks?: HeldPrefixLock[];
  closing: CloseRecordTask;
}

/**
 * The end of a job: its last results, then its locks, then its record. Nobody sees the end before the locks are gone, and
 * nobody gets a lock before it is stored what was written under it. May be repeated from any point. Gives the end that
 * was there already, if there was one.
 */
export async function closeJob(
  deps: ActivityDependencies,
  { results, locks, prefixLocks, closing }: CloseJobTask,
): Promise<JobStatus | undefined> {
  const { owner } = closing;
  if (results !== undefined) await saveResults(deps, results);
  if (locks !== undefined) await releaseLocks(deps, { owner, locks });
  if (prefixLocks !== undefined) await releasePrefixLocks(deps, { owner, locks: prefixLocks });
  return await closeRecord(deps, closing);
}
