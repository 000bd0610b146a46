import type { Activities } from '../activities/index.ts';
import type { BulkRequest, CollectionLocation, HeldPrefixLock, JobOwner } from '../contract/messages.ts';
import { CHUNK_TRIES, CHUNKS_IN_FLIGHT, RATE_OF_A_CHUNK } from './activity-options.ts';
import type { ChunkPass } from './chunk-queue.ts';
import { countOf } from './visibility.ts';

/** What is the same for all chunks of a job. */
export interface BulkJob {
  owner: JobOwner;
  request: BulkRequest;
  locks: HeldPrefixLock[];
  /** The name of what others hold, which the job does without; absent: nothing. */
  lockedPlaces?: string;
}

export type CopyChunkTask = Parameters<Activities['copyChunk']>[0];

/** Chunks of a job in flight. A rate is shared out among them: a low one is the first chunk's alone. */
export function windowOf({ request: { options } }: BulkJob): number {
  const { maxFilesPerSecond = Number.POSITIVE_INFINITY } = options;
  return Math.min(CHUNKS_IN_FLIGHT, Math.ceil(maxFilesPerSecond / RATE_OF_A_CHUNK));
}

/** What an activity is told of one pass over a chunk. */
export function taskOf(
  job: BulkJob,
  collections: CollectionLocation[],
  { chunk, part, only, tries, generation, isUncertain }: ChunkPass,
): CopyChunkTask {
  const { correlationId } = job.owner;
  const { locks, lockedPlaces } = job;
  const { overwrite, dryRun, maxFilesPerSecond } = job.request.options;
  return {
    ...{ correlationId, chunk, part, tries, collections, locks, overwrite },
    ...(lockedPlaces !== undefined && { lockedPlaces }),
    ...(generation !== undefined && { planGeneration: generation }),
    ...(only !== undefined && { only }),
    ...(dryRun === true && { dryRun }),
    ...(maxFilesPerSecond !== undefined && { filesPerSecond: maxFilesPerSecond / windowOf(job) }),
    ...(isUncertain === true && { isUncertain }),
    ...(tries >= CHUNK_TRIES && { lastTry: true }),
  };
}

/** What the Web UI calls a pass. */
export function passSummary({ chunk, only }: ChunkPass): string {
  return only === undefined ? `chunk ${chunk}` : `${countOf(only.length, 'file')} of chunk ${chunk}`;
}
