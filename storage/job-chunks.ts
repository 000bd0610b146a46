import type { FileEntry, FileRecord } from '../contract/messages.ts';
import { countFile, emptyCounts, isFinalFileState } from '../contract/states.ts';
import { isStorageError, StorageError } from './errors.ts';
import { CHUNKS_END, chunkStart, numbersIn, partName, planFolder, planName, resultsFolder } from './job-paths.ts';
import { fromLines, NDJSON, toLines } from './ndjson.ts';
import type { ObjectInfo, ObjectRef, ObjectStore } from './objects.ts';
import { RecentlyMade } from './recently-made.ts';

/** A file of a bulk job as it was planned. */
export interface PlannedFile extends FileEntry {
  /** Position in the whole job, from 0. */
  index: number;
  /** What a listing told of the source; absent where the file was named by the caller. */
  source?: { generation: string; size: number; crc32c?: string };
  /** `CODE: sentence`: the file cannot be copied and ends `Failed`. */
  problem?: string;
}

/** How the files of one part of a chunk ended. `bytes` counts what was copied. */
export interface ChunkCounts {
  count: number;
  completed: number;
  skipped: number;
  failed: number;
  cancelled: number;
  bytes: number;
}

/** What the index tells of a chunk of the plan. */
export interface PlanChunk {
  chunk: number;
  /** Files in it. */
  count: number;
  /** Job index of its first file. */
  firstIndex: number;
  /** Of a prefix, that it was listed to its end by then. Where false, that is not known. */
  isLast: boolean;
}

/** What the index tells of one part of a chunk's results. */
export interface ResultsPart extends ChunkCounts {
  chunk: number;
  part: number;
}

/** A part that is stored; what it holds never changes. */
export interface StoredPart extends ResultsPart {
  generation: string;
}

/** Chunks from `from` (included) to `to` (excluded); all where absent. */
export interface ChunkRange {
  from?: number;
  to?: number;
  /** How many are likely to be wanted, where that is few: the listing begins with so many. */
  atFirst?: number | undefined;
}

interface PlanWriting {
  check?: () => void;
  isLast?: boolean;
  createOnly?: boolean;
}

/**
 * The files of a bulk job, in chunks under `jobs/{correlationId}/` in the control bucket: `plan/NNNNNN.ndjson` has what
 * is to be copied, `results/NNNNNN-PPP.ndjson` how the files of chunk N ended, part by part (`-xPPPPPPPPP` from 1,000 on). Counts stand in each
 * object's metadata, so a listing (1,000 chunks a page) is the index. Every method throws StorageError.
 */
export class JobChunkStore {
  readonly #objects: ObjectStore;
  readonly #bucket: string;
  /** Chunks of plans that this process has written, and may be the one to copy. */
  readonly #written = new RecentlyMade<readonly PlannedFile[]>({ most: 16, forMs: 60_000 });

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  #ref(name: string): ObjectRef {
    return { bucket: this.#bucket, name };
  }

  /**
   * Writes a chunk of the plan, in place of what an earlier attempt at planning has written, and gives its generation.
   * `check` throws where a later attempt may be under way: it is called between the look at what is there and its
   * replacement, which goes for that generation only, so that a later attempt's chunk stays. `isLast`: of a prefix, that
   * it has no files behind these. Undefined with `createOnly` where there is one.
   */
  async writePlan(
    correlationId: string,
    chunk: number,
    files: readonly PlannedFile[],
    { check = () => undefined, isLast = false, createOnly = false }: PlanWriting = {},
  ): Promise<string | undefined> {
    const metadata = {
      ...{ count: String(files.length), firstIndex: String(files[0]?.index ?? 0) },
      ...(isLast && { isLast: 'true' }),
    };
    const ref = this.#ref(planName(correlationId, chunk));
    const options = { contentType: NDJSON, metadata };
    for (let ifGenerationMatch = '0'; ;) {
      check();
      try {
        const { generation } = await this.#objects.write(ref, toLines(files), { ...options, ifGenerationMatch });
        this.#written.keep(`${ref.name} ${generation}`, files);
        return generation;
      } catch (error) {
        if (!isStorageError(error, 'preconditionFailed')) throw error;
        if (createOnly) return undefined;
      }
      ifGenerationMatch = (await this.#objects.stat(ref))?.generation ?? '0';
    }
  }

  /** Deletes a chunk of the plan, if it is still of this generation. */
  async removePlan(correlationId: string, chunk: number, generation: string): Promise<void> {
    await this.#objects.remove(this.#ref(planName(correlationId, chunk)), generation);
  }

  /**
   * The files of a chunk; undefined where it is not planned. `generation`: as it was planned, where that is known; what
   * this process has written a moment ago is not read again then.
   */
  async readPlan(
    correlationId: string,
    chunk: number,
    generation?: string,
  ): Promise<readonly PlannedFile[] | undefined> {
    const ref = this.#ref(planName(correlationId, chunk));
    const written = generation === undefined ? undefined : this.#written.take(`${ref.name} ${generation}`);
    return written ?? (await this.#read<PlannedFile>(ref));
  }

  /** The chunks planned so far, in their order. */
  async *listPlan(correlationId: string, range: ChunkRange = {}): AsyncGenerator<PlanChunk> {
    for await (const { info, numbers } of this.#list(planFolder(correlationId), range)) {
      const [chunk = 0] = numbers;
      const isLast = info.metadata['isLast'] === 'true';
      yield { chunk, count: numberIn(info, 'count'), firstIndex: numberIn(info, 'firstIndex'), isLast };
    }
  }

  /** Files in the chunks of the plan from this one on. */
  async countPlan(correlationId: string, from: number): Promise<number> {
    let files = 0;
    for await (const { count } of this.listPlan(correlationId, { from })) files += count;
    return files;
  }

  /** The last chunk that was planned; undefined: none was. */
  async lastPlanned(correlationId: string): Promise<PlanChunk | undefined> {
    let last: PlanChunk | undefined;
    for await (const chunk of this.listPlan(correlationId)) last = chunk;
    return last;
  }

  /**
   * Deletes the chunks of the plan from this one on: those of an earlier plan that was longer. `check` as of `writePlan`.
   */
  async trimPlan(correlationId: string, from: number, check: () => void = () => undefined): Promise<void> {
    for await (const { info } of this.#list(planFolder(correlationId), { from })) {
      check();
      await this.#objects.remove(info, info.generation);
    }
  }

  /**
   * Stores how the files of a part of a chunk ended, all of them in a final state. False: that part is there already
   * and stays as it is.
   */
  async writeResults(
    correlationId: string,
    chunk: number,
    part: number,
    files: readonly FileRecord[],
  ): Promise<boolean> {
    const counts = Object.entries(countResults(files)).map(([name, value]) => [name, String(value)]);
    try {
      await this.#objects.write(this.#ref(partName(correlationId, chunk, part)), toLines(files), {
        ifGenerationMatch: '0',
        contentType: NDJSON,
        metadata: Object.fromEntries(counts) as Record<string, string>,
      });
      return true;
    } catch (error) {
      if (isStorageError(error, 'preconditionFailed')) return false;
      throw error;
    }
  }

  /** One part of a chunk's results, at the generation given or as it is now; undefined where it is not there (yet). */
  async readResults(
    correlationId: string,
    chunk: number,
    part: number,
    generation?: string,
  ): Promise<FileRecord[] | undefined> {
    return await this.#read<FileRecord>(this.#ref(partName(correlationId, chunk, part)), generation);
  }

  /** The parts stored so far, by chunk and part. */
  async *listResults(correlationId: string, range: ChunkRange = {}): AsyncGenerator<StoredPart> {
    for await (const { info, numbers } of this.#list(resultsFolder(correlationId), range)) {
      const [chunk = 0, part = 0] = numbers;
      yield {
        chunk,
        part,
        generation: info.generation,
        count: numberIn(info, 'count'),
        completed: numberIn(info, 'completed'),
        skipped: numberIn(info, 'skipped'),
        failed: numberIn(info, 'failed'),
        cancelled: numberIn(info, 'cancelled'),
        bytes: numberIn(info, 'bytes'),
      };
    }
  }

  async #read<T>(ref: ObjectRef, generation?: string): Promise<T[] | undefined> {
    const text = await this.#objects.readText(ref, generation);
    return text === undefined ? undefined : fromLines<T>(ref.name, text);
  }

  async *#list(
    prefix: string,
    { from, to, atFirst }: ChunkRange,
  ): AsyncGenerator<{ info: ObjectInfo; numbers: number[] }> {
    // Somebody asks for what no job can have.
    if (from !== undefined && from >= CHUNKS_END) return;
    const range = {
      ...{ bucket: this.#bucket, prefix },
      ...(from !== undefined && { startOffset: chunkStart(prefix, from) }),
      ...(to !== undefined && to < CHUNKS_END && { endOffset: chunkStart(prefix, to) }),
    };
    for await (const info of this.#objects.list(range, { atFirst })) {
      yield { info, numbers: numbersIn(prefix, info.name) };
    }
  }
}

/** How these files ended. Throws where one has not: only what is final is stored. */
export function countResults(files: readonly FileRecord[]): ChunkCounts {
  const counts = emptyCounts(files.length);
  for (const { state, size, index } of files) {
    if (!isFinalFileState(state)) throw new Error(`file ${index} is ${state}, which is no result`);
    countFile(counts, state, size ?? 0);
  }
  const { completed, skipped, failed, cancelled, bytes } = counts;
  return { count: files.length, completed, skipped, failed, cancelled, bytes };
}

function numberIn({ name, metadata }: ObjectInfo, key: string): number {
  const value = Number(metadata[key]);
  if (metadata[key] === undefined || !Number.isSafeInteger(value)) {
    throw new StorageError('malformed', `${name} has no ${key} in its metadata`);
  }
  return value;
}
