import { requestedFile } from '../../contract/file-records.ts';
import type { CollectionLocation, FileRecord } from '../../contract/messages.ts';
import { countFile, emptyCounts, isFinalFileState, type JobCounts } from '../../contract/states.ts';
import type { JobRecord, JobRecordStore } from '../../storage/job-records.ts';

/** The files of a job as far as its record tells: final ones as they ended, the others as they were asked for. */
export interface StoredFiles {
  files: FileRecord[];
  collections: CollectionLocation[];
}

/** Reads the files of a job from its record. Throws StorageError. */
export async function readStoredFiles(records: JobRecordStore, record: JobRecord): Promise<StoredFiles> {
  const { correlationId, receivedAt, entries, collections } = record;
  const results = await Array.fromAsync(records.readResults(correlationId));
  if (entries === null) return { files: results.sort((one, other) => one.index - other.index), collections };
  const finished = new Map(results.map((file) => [file.index, file]));
  const files = entries.map((entry, index) => finished.get(index) ?? requestedFile(entry, index, receivedAt));
  return { files, collections };
}

export function countFiles(files: readonly FileRecord[]): JobCounts {
  const counts = emptyCounts(files.length);
  for (const { state, size } of files) if (isFinalFileState(state)) countFile(counts, state, size ?? 0);
  return counts;
}
