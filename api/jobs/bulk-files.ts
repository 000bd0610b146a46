import { matchesFilter, requestedFile } from '../../contract/file-records.ts';
import type { ChunkPassRef, FileFilter, FileRecord } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import { emptyCounts, type JobCounts } from '../../contract/states.ts';
import type { JobChunkStore, PlanChunk, PlannedFile, ResultsPart } from '../../storage/job-chunks.ts';
import { progressIn, withProgress } from './chunk-progress.ts';
import type { PageRequest } from './job-service.ts';

/** A bulk job as far as its files' records depend on it. Times are milliseconds since the epoch. */
export interface BulkJob {
  correlationId: string;
  receivedAt: number;
  /** Null while it runs. Of a job that has ended, files without a result were never begun. */
  endedAt: number | null;
}

/** Most files of a chunk, so that the one with a given file cannot stand before `index / 1000`. */
const MAX_CHUNK_FILES = 1_000;

/** Chunks, or parts of their results, that are listed with those that a page is made of: not every one is full. */
const FEW_CHUNKS = 9;

/** Passes of a job that are under way at a time, and those over the same chunks before them, are seldom more. */
const MOST_PASSES = 50;

/**
 * Reads the files of bulk jobs from their chunks. The listing of the chunks says which of them have what is asked for,
 * so that only those are read, a few at a time, however many there are. Every method throws StorageError.
 */
export class BulkFiles {
  readonly #chunks: JobChunkStore;

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
    const atFirst = isFiltered ? undefined : Math.ceil(limit / MAX_CHUNK_FILES) + FEW_CHUNKS;
    for await (const file of this.#matching(job, from, filter, atFirst)) {
      if (files.length === limit) return { files, next: file.index };
      files.push(file);
    }
    return { files, next: null };
  }

  /** How many files match, where nothing but reading them tells. */
  async count(job: BulkJob, filter: FileFilter): Promise<number> {
    let count = 0;
    for await (const _ of this.#matching(job, 0, filter)) count += 1;
    return count;
  }

  /** The counts of a job as far as they are stored, and of these passes as far as they are not. */
  async counts({ correlationId }: BulkJob, progress: readonly ResultsPart[] = []): Promise<JobCounts> {
    const counts = emptyCounts(0);
    // One after the other: what has ended by now is planned by then, so that no count is ever below zero.
    const finished = await Array.fromAsync(this.#chunks.listResults(correlationId));
    for await (const { count } of this.#chunks.listPlan(correlationId)) counts.requested += count;
    counts.pending = counts.requested;
    const stored = progressIn(progress, finished);
    return withProgress(counts, [...finished, ...progress.filter((part) => !stored.includes(part))]);
  }

  /** What is stored of these passes; those that are not under way any more are, unless they failed. */
  async resultsOf(correlationId: string, passes: readonly ChunkPassRef[]): Promise<ResultsPart[]> {
    const chunks = passes.map(({ chunk }) => chunk);
    const range = { from: Math.min(...chunks), to: Math.max(...chunks) + 1, atFirst: MOST_PASSES };
    if (passes.length === 0) return [];
    return progressIn(await Array.fromAsync(this.#chunks.listResults(correlationId, range)), passes);
  }

  async *#matching(job: BulkJob, from: number, filter: FileFilter, atFirst?: number): AsyncGenerator<FileRecord> {
    for await (const { chunk, parts } of this.#index(job, Math.floor(from / MAX_CHUNK_FILES), atFirst)) {
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
    atFirst: number | undefined,
  ): AsyncGenerator<{ chunk: PlanChunk; parts: ResultsPart[] }> {
    const results = this.#chunks.listResults(correlationId, { from, atFirst });
    const plan = this.#chunks.listPlan(correlationId, { from, atFirst });
    // Both are asked for at once: somebody waits for them.
    let [part, next] = await Promise.all([results.next(), plan.next()]);
    for (; next.done !== true; next = await plan.next()) {
      const chunk = next.value;
      const parts: ResultsPart[] = [];
      while (part.done !== true && part.value.chunk <= chunk.chunk) {
        if (part.value.chunk === chunk.chunk) parts.push(part.value);
        part = await results.next();
      }
      yield { chunk, parts };
    }
  }

  async #read(job: BulkJob, { chunk }: PlanChunk, parts: readonly ResultsPart[]): Promise<FileRecord[]> {
    const { correlationId } = job;
    const [planned, ...results] = await Promise.all([
      this.#chunks.readPlan(correlationId, chunk),
      ...parts.map(({ part }) => this.#chunks.readResults(correlationId, chunk, part)),
    ]);
    const finished = new Map(results.flatMap((files) => (files ?? []).map((file) => [file.index, file])));
    return (planned ?? []).map((file) => finished.get(file.index) ?? unfinished(file, job));
  }
}

/** Whether a chunk may hold a file of this state. */
function mayHold(
  { count }: PlanChunk,
  parts: readonly ResultsPart[],
  { endedAt }: BulkJob,
  state: FileFilter['state'],
): boolean {
  const sum = (name: keyof ResultsPart) => parts.reduce((total, part) => total + part[name], 0);
  const isOpen = sum('count') < count;
  switch (state) {
    case undefined:
      return true;
    case 'Requested':
      return isOpen && endedAt === null;
    case 'Processing':
      return false;
    case 'Completed':
      return sum('completed') > 0;
    case 'Skipped':
      return sum('skipped') > 0;
    case 'Failed':
      return sum('failed') > 0;
    case 'Cancelled':
      return sum('cancelled') > 0 || (isOpen && endedAt !== null);
  }
}

/** A file without a result: it waits or, where its job has ended, was cancelled before it was begun. */
function unfinished(
  { sourceCollectionId, destinationCollectionId, fileName, destinationFileName, index }: PlannedFile,
  { receivedAt, endedAt }: BulkJob,
): FileRecord {
  const entry = { sourceCollectionId, destinationCollectionId, fileName, destinationFileName };
  const file = requestedFile(entry, index, receivedAt);
  if (endedAt === null) return file;
  return {
    ...file,
    state: 'Cancelled',
    message: reason('CANCELLED', 'the job was cancelled before the file was copied'),
    history: [...file.history, { state: 'Cancelled', at: endedAt }],
  };
}
