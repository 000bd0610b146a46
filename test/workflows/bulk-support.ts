import type { Activities } from '../../activities/index.ts';
import type { BulkRequest, BulkSource, CopyFilesInput, CopyOptions } from '../../contract/messages.ts';
import type { Replaced } from './replaced-activities.ts';
import { requestFor, withJobs, type Jobs } from './support.ts';

type CopyChunkTask = Parameters<Activities['copyChunk']>[0];
type ChunkOutcome = Awaited<ReturnType<Activities['copyChunk']>>;

export const COLLECTION = {
  kind: 'collection' as const,
  sourceCollectionId: 'from',
  destinationCollectionId: 'to',
  prefix: '2026/',
} satisfies BulkSource;
export const MANIFEST: BulkSource = { kind: 'manifest', collectionId: 'lists', fileName: 'list.ndjson' };

/** A request of `alice` for what stands there. */
export function bulkRequest(source: BulkSource, options: Partial<CopyOptions> = {}): CopyFilesInput<BulkRequest> {
  return { ...requestFor(), request: { bulk: source, options: { overwrite: 'always', ...options } } };
}

/** What a chunk says of `count` files of 7 bytes that were copied. */
export function copied(count: number, leftovers: number[] = []): ChunkOutcome {
  const counts = { count, completed: count, skipped: 0, failed: 0, cancelled: 0, bytes: 7 * count };
  return { counts, leftovers, reason: leftovers.length === 0 ? '' : 'STORAGE_UNAVAILABLE: no answer' };
}

/** What a chunk says of so many files that were copied before its time was over. */
export function outOfTime(count: number, leftovers: number[]): ChunkOutcome {
  return { ...copied(count, leftovers), reason: '', isOutOfTime: true };
}

/** Chunks of ten files each. */
export function chunksOf(count: number): Pick<Activities, 'planListing' | 'copyChunk'> {
  return {
    planListing({ cursor, maxChunks }) {
      const first = cursor?.nextChunk ?? 0;
      const chunks = Array.from({ length: Math.min(maxChunks, count - first) }, (_, at) => ({
        chunk: first + at,
        count: 10,
      }));
      const next = first + chunks.length;
      const rest = { startOffset: `file-${next}`, nextChunk: next, nextIndex: next * 10 };
      return Promise.resolve({ chunks, cursor: next < count ? rest : null });
    },
    copyChunk: ({ only }) => Promise.resolve(copied(only?.length ?? 10)),
  };
}

/** As `withJobs`, with a worker that carries out chunks too. */
export function withBulkJobs(replaced: Replaced, use: (jobs: Jobs) => Promise<void>): Promise<void> {
  return withJobs(replaced, use, { bulk: true });
}

/** What `copyChunk` was asked for, one by one. */
export function passes(replaced: Replaced): Pick<CopyChunkTask, 'chunk' | 'part' | 'only'>[] {
  return replaced.tasksOf('copyChunk').map(({ chunk, part, only }) => ({ chunk, part, ...(only && { only }) }));
}
