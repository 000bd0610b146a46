import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Activities } from '../../../activities/index.ts';
import type { FileRecord, JobOwner } from '../../../contract/messages.ts';
import type { PlannedFile } from '../../../storage/job-chunks.ts';
import { lockName } from '../../../storage/lock-names.ts';
import type { Fault, Rule } from '../../support/storage-proxy/index.ts';
import { newOwner, type ActivityTest } from '../support.ts';

export type CopyChunkTask = Parameters<Activities['copyChunk']>[0];
type Operation = 'list sources' | 'list destinations' | 'look at lock' | 'rewrite' | 'stat' | 'store results';

/** A file of a chunk, before it is copied. */
export interface ChunkedFile {
  /** Default: what its name is. Null: there is no source. */
  source?: string | null;
  /** What is at the destination before the lock is taken. */
  existing?: string;
  /** Whether the plan has the source's generation, as from a listing. */
  isPinned?: boolean;
  problem?: string;
}

/** A chunk that is planned, its prefix locked. */
export interface Chunking {
  readonly task: CopyChunkTask;
  readonly owner: JobOwner;
  readonly correlationId: string;
  readonly names: readonly string[];
  /** What stands in the results of a part, by name; states only. */
  states(part?: number): Promise<Record<string, string>>;
  record(name: string, part?: number): Promise<FileRecord>;
  putSource(name: string, content: string): Promise<void>;
  deleteSource(name: string): Promise<void>;
  putDestination(name: string, content: string): Promise<void>;
  /** What the destination holds. */
  content(name: string): Promise<string | undefined>;
  /** Writes of each file so far, those of the service only. */
  writes(name: string): number;
  /** Rewrites that were sent. */
  rewrites(name?: string): { name: string; query: Readonly<Record<string, string>>; status: unknown }[];
  /** Puts a fault in the way of what is sent about this chunk, or about one file of it. */
  inject(operation: Operation, fault: Fault, options?: { times?: number; name?: string }): Rule;
  /** Takes the lock away. */
  breakLock(): Promise<void>;
}

interface ChunkingOptions extends Partial<Pick<CopyChunkTask, 'overwrite' | 'dryRun' | 'settle' | 'lastTry' | 'only'>> {
  /** Under the prefix of the chunk. */
  files: Readonly<Record<string, ChunkedFile>>;
}

/** Puts sources, destinations where one is given, the lock and the plan, in this order. */
export async function prepareChunk(
  test: ActivityTest,
  { files, overwrite = 'always', ...more }: ChunkingOptions,
): Promise<Chunking> {
  const { emulator, proxy, storage, sourceBucket, destinationBucket } = test;
  const prefix = `${randomUUID()}/`;
  const owner = newOwner();
  const { correlationId } = owner;
  const put = (bucket: string, name: string, content: string) => emulator.putObject(bucket, prefix + name, content);

  const planned: PlannedFile[] = [];
  for (const [name, { source = `content of ${name}`, existing, isPinned = false, problem }] of Object.entries(files)) {
    if (source !== null) await put(sourceBucket, name, source);
    if (existing !== undefined) await put(destinationBucket, name, existing);
    const pinned = isPinned ? await storage.objects.stat({ bucket: sourceBucket, name: prefix + name }) : undefined;
    planned.push({
      ...{ sourceCollectionId: 'originals', destinationCollectionId: 'copies' },
      ...{ fileName: name, destinationFileName: name, index: 100 + planned.length },
      ...(pinned && { source: { generation: pinned.generation, size: pinned.size, crc32c: pinned.crc32c ?? '' } }),
      ...(problem !== undefined && { problem }),
    });
  }
  // Times are in milliseconds: what is older than the lock is to look older.
  const writtenAt = Date.now();
  while (Date.now() <= writtenAt + 1);
  const target = { bucket: destinationBucket, prefix };
  const taking = await storage.locks.acquire(target, owner);
  assert.ok(taking.taken);
  const { generation, createdAt } = taking.lock;
  await storage.chunks.writePlan(correlationId, 0, planned);

  const recordsOf = async (part: number) => (await storage.chunks.readResults(correlationId, 0, part)) ?? [];
  const isIn =
    (bucket: string) => (request: { bucket: string; name: string; query: Readonly<Record<string, string>> }) =>
      request.bucket === bucket && (request.query['startOffset'] ?? request.name).startsWith(prefix);
  const isOf: Record<Operation, (request: Parameters<ReturnType<typeof isIn>>[0] & { operation: string }) => boolean> =
    {
      'list sources': (request) => request.operation === 'list' && isIn(sourceBucket)(request),
      'list destinations': (request) => request.operation === 'list' && isIn(destinationBucket)(request),
      'look at lock': ({ operation, name }) => operation === 'stat' && name === lockName(target),
      rewrite: (request) => request.operation === 'rewrite' && isIn(destinationBucket)(request),
      stat: (request) => request.operation === 'stat' && isIn(destinationBucket)(request),
      'store results': ({ operation, name }) =>
        operation === 'upload' && name.startsWith(`jobs/${correlationId}/results/`),
    };
  return {
    task: {
      ...{ correlationId, chunk: 0, part: 0, overwrite },
      collections: [
        { collectionId: 'originals', bucket: sourceBucket, prefix, generation: '1' },
        { collectionId: 'copies', bucket: destinationBucket, prefix, generation: '1' },
      ],
      locks: [{ ...target, generation, createdAt }],
      ...more,
    },
    owner,
    correlationId,
    names: Object.keys(files),
    async states(part = 0) {
      return Object.fromEntries((await recordsOf(part)).map(({ fileName, state }) => [fileName, state]));
    },
    async record(name, part = 0) {
      const record = (await recordsOf(part)).find(({ fileName }) => fileName === name);
      return record ?? assert.fail(`no result of ${name}`);
    },
    putSource: (name, content) => put(sourceBucket, name, content),
    deleteSource: (name) => emulator.deleteObject(sourceBucket, prefix + name),
    putDestination: (name, content) => put(destinationBucket, name, content),
    async content(name) {
      const bytes = await emulator.getObject(destinationBucket, prefix + name);
      return bytes && Buffer.from(bytes).toString();
    },
    writes: (name) => proxy.writes(destinationBucket, prefix + name),
    rewrites: (name) =>
      proxy
        .requests(isOf.rewrite)
        .map((request) => ({ name: request.name.slice(prefix.length), query: request.query, status: request.status }))
        .filter((request) => name === undefined || request.name === name),
    inject(operation, fault, { name, ...options } = {}) {
      const isMeant = isOf[operation];
      return proxy.inject(
        (request) => isMeant(request) && (name === undefined || request.name === prefix + name),
        fault,
        options,
      );
    },
    async breakLock() {
      assert.ok(await storage.locks.release(target, generation));
    },
  };
}

/** Files with nothing special about them. */
export function plainFiles(count: number, more: ChunkedFile = {}): Record<string, ChunkedFile> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`file-${index}`, more]));
}
