import { LRUCache } from 'lru-cache';
import { cancelledOutcome, outcomeWithoutObject, type FileOutcome } from '../../contract/file-outcome.ts';
import { matchesFilter, requestedFile } from '../../contract/file-records.ts';
import { CHUNK_FILES } from '../../contract/limits.ts';
import type { ChunkPassRef, FileFilter, FileRecord, JobStatus } from '../../contract/messages.ts';
import { isReasonCode } from '../../contract/reasons.ts';
import { COUNTED_AS, emptyCounts, type JobCounts } from '../../contract/states.ts';
import type { JobChunkStore, PlanChunk, PlannedFile, ResultsPart, StoredPart } from '../../storage/job-chunks.ts';
import { toldOf, withProgress } from './chunk-progress.ts';
import type { PageRequest } from './job-service.ts';

/** A bulk job as far as its files' records depend on it. Times are milliseconds since the epoch. */
export interface BulkJob {
  correlationId: string;
  receivedAt: number;
  /** Null while it runs. */
  end: JobEnd | null;
}

/** When a job has ended, and what became of its files that have no result. */
interface JobEnd {
  at: number;
  rest: FileOutcome;
}

/** Chunks, or parts of their results, that are listed with those that a page is made of: not every one is full. */
const FEW_CHUNKS = 9;

/** Chunks that are no further apart are listed together: those in between cost less than another listing. */
const NEAR_CHUNKS = 20;

/** Parts of the results of the chunks that are under way at a time, and of those in between: seldom more. */
const MOST_PARTS = 50;

/** Chunks that are read at a time where all files are wanted. */
const CHUNKS_AHEAD = 8;

/** Records of files that are remembered, all jobs together: some twenty megabytes, seldom more. */
const MAX_REMEMBERED_FILES = 16_000;

/** Counts of files that match a filter that are remembered, all jobs together. */
const MAX_REMEMBERED_COUNTS = 1_000;

/**
 * Reads the files of bulk jobs from their chunks. The listing of the chunks says which of them have what is asked for,
 * so that only those are read, a few at a time, however many there are. What is stored of a part never changes: whoever
 * asks again and again how a job stands has its listings read, and the files of the same page once. Every method throws
 * StorageError.
 */
export class BulkFiles {
  readonly #chunks: JobChunkStore;
  /** By job, chunk, part and generation. */
  readonly #remembered = new LRUCache<string, readonly FileRecord[]>({
    maxSize: MAX_REMEMBERED_FILES,
    sizeCalculation: (files) => files.length + 1,
  });
  /** Of jobs that have ended: whoever pages through is told the same count with every page. */
  readonly #counts = new LRUCache<string, number>({ max: MAX_REMEMBERED_COUNTS });

  constructor(chunks: JobChunkStore) {
    this.#chunks = chunks;
  }

  /** At most `limit` files that match, looked for from index `from` on; `next` is where to go on from, null at the end. */
  async page(
    job: BulkJob,
    { from, limit, ...filter }: PageRequest,
  ): Promise<{ files: FileRecord[]; next: number | null }> {
    const files: FileRecord[] = [];
    // Without a filter, all of a chunk's files are wanted: the page is full after a few chunks.
    const isFiltered = filter.state !== undefined || filter.collectionId !== undefined;
    const atFirst = isFiltered ? undefined : Math.ceil(limit / CHUNK_FILES) + FEW_CHUNKS;
    for await (const file of this.#matching(job, from, filter, atFirst)) {
      if (files.length === limit) return { files, next: file.index };
      files.push(file);
    }
    return { files, next: null };
  }

  /** All files that match, in their order, those of a chunk at a time, while further chunks are read. */
  async *all(job: BulkJob, filter: FileFilter): AsyncGenerator<FileRecord[]> {
    const reading: Promise<readonly FileRecord[]>[] = [];
    const matching = (files: readonly FileRecord[]) => files.filter((file) => matchesFilter(file, filter));
    for await (const { chunk, parts } of this.#index(job, 0)) {
      if (!mayHold(chunk, parts, job, filter.state)) continue;
      const read = this.#read(job, chunk, parts);
      // Whoever takes the files is told, if that comes to it.
      read.catch(() => undefined);
      reading.push(read);
      const first = reading.length < CHUNKS_AHEAD ? undefined : reading.shift();
      if (first !== undefined) yield matching(await first);
    }
    for (const read of reading) yield matching(await read);
  }

  /** How many files match, where nothing but reading them tells. Of a job that has ended they are read once. */
  async count(job: BulkJob, filter: FileFilter): Promise<number> {
    const key = JSON.stringify([job.correlationId, job.receivedAt, job.end?.at, filter.state, filter.collectionId]);
    const remembered = this.#counts.get(key);
    if (remembered !== undefined) return remembered;
    let count = 0;
    for await (const files of this.all(job, filter)) count += files.length;
    if (job.end !== null) this.#counts.set(key, count);
    return count;
  }

  /** The counts of a job as far as they are stored. */
  async counts({ correlationId }: BulkJob): Promise<JobCounts> {
    const counts = emptyCounts(0);
    // One after the other: what has ended by now is planned by then, so that no count is ever below zero.
    const finished = await Array.fromAsync(this.#chunks.listResults(correlationId));
    for await (const { count } of this.#chunks.listPlan(correlationId)) counts.requested += count;
    counts.pending = counts.requested;
    return withProgress(counts, finished);
  }

  /** What is stored of these passes. */
  async resultsOf(correlationId: string, passes: readonly ChunkPassRef[]): Promise<ResultsPart[]> {
    const listings = neighbours(passes).map((range) =>
      Array.fromAsync(this.#chunks.listResults(correlationId, { ...range, atFirst: MOST_PARTS })),
    );
    return toldOf((await Promise.all(listings)).flat(), passes);
  }

  async *#matching(
    job: BulkJob,
    from: number,
    filter: FileFilter,
    atFirst: number | undefined,
  ): AsyncGenerator<FileRecord> {
    // No chunk has more files than this, so the one with a given file cannot stand before.
    const first = Math.floor(from / CHUNK_FILES);
    for await (const { chunk, parts } of this.#index(job, first, atFirst)) {
      if (chunk.firstIndex + chunk.count <= from || !mayHold(chunk, parts, job, filter.state)) continue;
      for (const file of await this.#read(job, chunk, parts)) {
        if (file.index >= from && matchesFilter(file, filter)) yield file;
      }
    }
  }

  /** The chunks from this one on, each with the parts of its results. `atFirst`: how many are likely to be wanted. */
  async *#index(
    { correlationId }: BulkJob,
    from: number,
    atFirst?: number,
  ): AsyncGenerator<{ chunk: PlanChunk; parts: StoredPart[] }> {
    const results = this.#chunks.listResults(correlationId, { from, atFirst });
    const plan = this.#chunks.listPlan(correlationId, { from, atFirst });
    // Both are asked for at once: somebody waits for them.
    let [part, next] = await Promise.all([results.next(), plan.next()]);
    for (; next.done !== true; next = await plan.next()) {
      const chunk = next.value;
      const parts: StoredPart[] = [];
      while (part.done !== true && part.value.chunk <= chunk.chunk) {
        if (part.value.chunk === chunk.chunk) parts.push(part.value);
        part = await results.next();
      }
      yield { chunk, parts };
    }
  }

  /** All files of a chunk, in their order. */
  async #read(job: BulkJob, { chunk, count }: PlanChunk, parts: readonly StoredPart[]): Promise<readonly FileRecord[]> {
    const { correlationId } = job;
    // Where every file has a result, there is nothing that the plan could add.
    const isWhole = sumOf(parts, 'count') >= count;
    const planning = isWhole ? undefined : this.#chunks.readPlan(correlationId, chunk);
    planning?.catch(() => undefined);
    const results = await Promise.all(parts.map((part) => this.#results(job, part)));
    const finished = new Map(results.flat().map((file) => [file.index, file]));
    if (isWhole && finished.size >= count)
      return [...finished.values()].toSorted((one, other) => one.index - other.index);
    const planned = await (planning ?? this.#chunks.readPlan(correlationId, chunk));
    return (planned ?? []).map((file) => finished.get(file.index) ?? unfinished(file, job));
  }

  async #results(
    { correlationId, receivedAt }: BulkJob,
    { chunk, part, generation }: StoredPart,
  ): Promise<readonly FileRecord[]> {
    const key = `${correlationId}/${chunk}/${part}#${generation}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const files = await this.#chunks.readResults(correlationId, chunk, part, generation);
    if (files === undefined) return [];
    // It is the same for all of them, and not stored with each.
    for (const { history } of files) history.unshift({ state: 'Requested', at: receivedAt });
    this.#remembered.set(key, files);
    return files;
  }
}

/**
 * The end of a job, by how it stands when its record is closed; null: it has none. Files without a result were never
 * begun, so that they are cancelled; but a job that ends otherwise has given them up, and counts them as failed.
 */
export function endOf({ state, message, endedAt }: JobStatus): JobEnd | null {
  if (endedAt === null) return null;
  const isGivenUp = state === 'Failed' || state === 'CompletedWithErrors';
  const [code = ''] = message.split(': ', 1);
  const rest = isGivenUp ? outcomeWithoutObject('Failed', isReasonCode(code) ? message : '') : cancelledOutcome();
  return { at: endedAt, rest };
}

/** The chunks of these passes, in ranges of neighbours. */
function neighbours(passes: readonly ChunkPassRef[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const chunk of passes.map((pass) => pass.chunk).toSorted((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && chunk - last.to <= NEAR_CHUNKS) last.to = Math.max(last.to, chunk + 1);
    else ranges.push({ from: chunk, to: chunk + 1 });
  }
  return ranges;
}

function sumOf(parts: readonly ResultsPart[], name: keyof ResultsPart): number {
  return parts.reduce((total, part) => total + part[name], 0);
}

/** Whether a chunk may hold a file of this state. */
function mayHold(
  { count }: PlanChunk,
  parts: readonly ResultsPart[],
  { end }: BulkJob,
  state: FileFilter['state'],
): boolean {
  if (state === undefined) return true;
  if (state === 'Processing') return false;
  const isOpen = sumOf(parts, 'count') < count;
  if (state === 'Requested') return isOpen && end === null;
  return sumOf(parts, COUNTED_AS[state]) > 0 || (isOpen && state === end?.rest.state);
}

/** A file without a result: it waits or, where its job has ended, is as that says. */
function unfinished(
  { sourceCollectionId, destinationCollectionId, fileName, destinationFileName, index }: PlannedFile,
  { receivedAt, end }: BulkJob,
): FileRecord {
  const entry = { sourceCollectionId, destinationCollectionId, fileName, destinationFileName };
  const file = requestedFile(entry, index, receivedAt);
  if (end === null) return file;
  return { ...file, ...end.rest, history: [...file.history, { state: end.rest.state, at: end.at }] };
}
