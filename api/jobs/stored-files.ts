import { requestedFile } from '../../contract/file-records.ts';
import type { CollectionLocation, FileRecord } from '../../contract/messages.ts';
import type { JobRecord, JobRecordStore } from '../../storage/job-records.ts';

/** The files of a job as far as its record tells: final ones as they ended, the others as they were asked for. */
export interface StoredFiles {
  files: FileRecord[];
  collections: CollectionLocation[];
}

/** Reads the files of a job from its record. Throws StorageError. */
export async function readStoredFiles(records: JobRecordStore, record: JobRecord): Promise<StoredFiles> {
  const { correlationId, receivedAt, entries, collections } = record;
  const finished = await records.readFinal(correlationId);
  if (entries === null) {
    return { files: [...finished.values()].sort((one, other) => one.index - other.index), collections };
  }
  const files = entries.map((entry, index) => finished.get(index) ?? requestedFile(entry, index, receivedAt));
  return { files, collections };
}
