import { locate, type CollectionIndex, type LocatedFile } from '../../../contract/locate.ts';
import type { FileRecord, HeldPrefixLock } from '../../../contract/messages.ts';
import type { PlannedFile } from '../../../storage/job-chunks.ts';
import type { ObjectInfo } from '../../../storage/objects.ts';
import type { Outcome, SourceState } from '../file-outcome.ts';

/** A file of a chunk: what was planned, what is known of it by now, and what became of it. */
export interface ChunkFile extends LocatedFile {
  readonly planned: PlannedFile;
  /** The lock it is written under; undefined where nothing is written. */
  readonly lock: HeldPrefixLock | undefined;
  /** The source as it was last seen. */
  sourceState: SourceState | undefined;
  /** The destination as it was last seen. */
  existing: ObjectInfo | undefined;
  /** `CODE: sentence`: storage refuses to tell of one of the two sides. */
  refusal: string | undefined;
  /** When that was, by the monotonic clock: the lock has to be seen to stand after it. */
  seenAt: number;
  startedAt: number;
  /** Tries of this attempt that failed in passing. */
  retries: number;
  /** Writes that were refused because the destination had changed. */
  refusals: number;
  /** Whether a write was sent whose answer was lost. */
  isUnconfirmed: boolean;
  /** Of a rewrite that takes several calls. */
  rewriteToken: string | undefined;
  outcome: Outcome | undefined;
  endedAt: number;
}

/** Makes the files of a chunk. Throws where a collection, or a lock, is not among those of the job. */
export function toChunkFile(
  planned: PlannedFile,
  { collections, locks }: { collections: CollectionIndex; locks: readonly HeldPrefixLock[] | undefined },
): ChunkFile {
  const { source, destination } = locate(planned, collections);
  const lock = locks?.find(
    ({ bucket, prefix }) => bucket === destination.bucket && destination.name.startsWith(prefix),
  );
  if (locks !== undefined && lock === undefined) {
    throw new Error(`gs://${destination.bucket}/${destination.name} is under no lock of the job`);
  }
  return {
    planned,
    source,
    destination,
    lock,
    sourceState: planned.source,
    existing: undefined,
    refusal: undefined,
    seenAt: 0,
    startedAt: 0,
    retries: 0,
    refusals: 0,
    isUnconfirmed: false,
    rewriteToken: undefined,
    outcome: undefined,
    endedAt: 0,
  };
}

/** Writes down what became of a file. */
export function endFile(file: ChunkFile, outcome: Outcome): void {
  file.outcome = outcome;
  file.endedAt = Date.now();
}

/**
 * The record of a file that has come to its end. `startedAt`: when copying of it began; null: it never did, or nobody knows.
 * That it was asked for before is not written down: it is the same for all files of a job.
 */
export function toRecord(
  planned: PlannedFile,
  { state, message, size, crc32c, generation, sourceGeneration }: Outcome,
  { startedAt, endedAt, retryCount }: { startedAt: number | null; endedAt: number; retryCount: number },
): FileRecord {
  return {
    sourceCollectionId: planned.sourceCollectionId,
    destinationCollectionId: planned.destinationCollectionId,
    fileName: planned.fileName,
    destinationFileName: planned.destinationFileName,
    index: planned.index,
    ...{ state, retryCount, message, size, crc32c, generation, sourceGeneration },
    history: [...(startedAt === null ? [] : [{ state: 'Processing' as const, at: startedAt }]), { state, at: endedAt }],
  };
}
