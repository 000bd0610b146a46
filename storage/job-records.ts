import { createHash } from 'node:crypto';
import { z } from 'zod';
import type {
  Admission,
  BulkSource,
  CollectionLocation,
  CopyOptions,
  FileEntry,
  FileRecord,
  JobStatus,
} from '../contract/messages.ts';
import { isEndState, JOB_STATES } from '../contract/states.ts';
import { isStorageError, StorageError } from './errors.ts';
import { batchName, recordName, resultsFolder, settledName } from './job-paths.ts';
import { fromLines, NDJSON, toLines } from './ndjson.ts';
import type { ObjectRef, ObjectStore } from './objects.ts';

/** The workflow that owns a record: all runs that came of one first run. */
export interface JobChain {
  namespace: string;
  firstRunId: string;
}

/**
 * `jobs/{correlationId}/job.json`: whose job it is, what was decided, how it stands or ended. Creating it claims the
 * correlation id, for as long as the record is kept; Temporal may have forgotten the job long before.
 */
export interface JobRecord {
  correlationId: string;
  chain: JobChain;
  caller: string;
  digest: string;
  receivedAt: number;
  taskQueue: string;
  options: CopyOptions;
  /** Where the files' collections were when access was decided; none where it was refused. */
  collections: CollectionLocation[];
  /**
   * What is to be copied, so that a job whose workflow is gone can be looked up at its destinations. Null for a refused
   * job, and for one that has ended: then the results tell of every file.
   */
  entries: FileEntry[] | null;
  /** Where the files of a bulk job stand; they are planned and recorded in chunks (JobChunkStore). Null for a list. */
  bulk: BulkSource | null;
  /** Of a bulk job that does without what others hold: the name of what that was (LockedPlaceStore). Absent: nothing. */
  lockedPlaces?: string;
  /**
   * Null until the job's end: before that, its workflow knows. It stays null where the job was ended by force before it was
   * decided.
   */
  admission: Admission | null;
  /** That a prefix was not listed to its end: there may be files that neither plan nor results tell of. */
  isCutShort?: boolean;
  /**
   * That its workflow was found to have been ended by force: whoever of that was about to write another end does not, and
   * the settling does. `claimedAt`: when the correlation id was claimed, as the mark makes the object anew.
   */
  lost?: { claimedAt: number };
  /** That it was cancelled before its request was decided: of a list, it is not known how much was read. */
  isUnread?: boolean;
  status: JobStatus;
}

/** What every record has, as far as anybody depends on it; files are not looked at one by one. */
const recordShape = z.looseObject({
  correlationId: z.string(),
  chain: z.looseObject({ namespace: z.string(), firstRunId: z.string() }),
  caller: z.string(),
  digest: z.string(),
  receivedAt: z.number(),
  taskQueue: z.string(),
  options: z.looseObject({}),
  collections: z.array(z.looseObject({ collectionId: z.string(), bucket: z.string(), prefix: z.string() })).optional(),
  entries: z.array(z.unknown()).nullish(),
  bulk: z.looseObject({ kind: z.string() }).nullish(),
  lockedPlaces: z.string().optional(),
  lost: z.looseObject({ claimedAt: z.number() }).optional(),
  admission: z.looseObject({ decision: z.string() }).nullable(),
  status: z.looseObject({
    state: z.enum(JOB_STATES),
    counts: z.record(z.string(), z.number()),
    startedAt: z.number(),
    endedAt: z.number().nullable(),
    message: z.string(),
  }),
});

/** How many files a job is for, as far as its record knows; null: that is still being found out, or was. */
export function requestedBy({ bulk, status }: JobRecord): number | null {
  return bulk !== null && !isEndState(status.state) ? null : status.counts.requested;
}

/** A record and the generation it was read at. */
export interface StoredJobRecord {
  record: JobRecord;
  generation: string;
}

/** Hexadecimal digits that tell a batch of results from another of the same number. */
const DIGEST_DIGITS = 16;

/** The stored side of jobs, under `jobs/` in the control bucket. Every method throws StorageError. */
export class JobRecordStore {
  readonly #objects: ObjectStore;
  readonly #bucket: string;

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  #ref(name: string): ObjectRef {
    return { bucket: this.#bucket, name };
  }

  /** Makes the record, and gives its generation; undefined: there is one under this correlation id, which stays as it is. */
  async create(record: JobRecord): Promise<string | undefined> {
    return await this.#createOnly(this.#ref(recordName(record.correlationId)), JSON.stringify(record));
  }

  /** The record; undefined: none. A StorageError of kind `malformed` says that what is there is no record of this job. */
  async read(correlationId: string): Promise<StoredJobRecord | undefined> {
    const document = await this.#objects.readJson(this.#ref(recordName(correlationId)));
    if (document === undefined) return undefined;
    // A record that was written before there were bulk jobs has none of the first three.
    const parsed = recordShape.safeParse(document.content);
    if (!parsed.success || parsed.data.correlationId !== correlationId) {
      const problem = parsed.success ? 'it is of another job' : z.prettifyError(parsed.error);
      throw new StorageError('malformed', `the record of job ${correlationId} is none: ${problem}`);
    }
    const record = { collections: [], entries: null, bulk: null, ...parsed.data } as unknown as JobRecord;
    return { record, generation: document.generation };
  }

  /** Replaces the record at the generation it was read at, and gives the new one; undefined: it has changed since. */
  async replace({ record, generation }: StoredJobRecord): Promise<string | undefined> {
    const ref = this.#ref(recordName(record.correlationId));
    return await this.#writeAt(ref, JSON.stringify(record), { ifGenerationMatch: generation });
  }

  /**
   * Appends the final records of some files. `batch` counts up from 0 within a job. A batch that is there already was
   * written by an attempt whose answer was lost. One of the same number with other files is kept beside it: where a
   * workflow task fails, the next attempt may know of more by then, and has the same number for it.
   */
  async appendResults(correlationId: string, batch: number, files: readonly FileRecord[]): Promise<void> {
    const lines = toLines(files);
    const digest = createHash('sha256').update(lines).digest('hex').slice(0, DIGEST_DIGITS);
    await this.#createOnly(this.#ref(batchName(correlationId, batch, digest)), lines, NDJSON);
  }

  /**
   * Stores the final records of the files of which a job that was ended by force had not told. What is there already
   * stays: it was found out by an attempt whose answer was lost.
   */
  async settle(correlationId: string, files: readonly FileRecord[]): Promise<void> {
    await this.#createOnly(this.#ref(settledName(correlationId)), toLines(files), NDJSON);
  }

  /** The final record of every file that has one, by index. What was settled outdoes a result that came late. */
  async readFinal(correlationId: string): Promise<Map<number, FileRecord>> {
    const files = new Map<number, FileRecord>();
    for await (const file of this.readResults(correlationId)) files.set(file.index, file);
    return files;
  }

  /** When the correlation id was claimed, by the clock of Cloud Storage; of a record that is not closed. */
  async claimedAt({ correlationId, lost }: JobRecord): Promise<number | undefined> {
    return lost?.claimedAt ?? (await this.#objects.stat(this.#ref(recordName(correlationId))))?.createdAt;
  }

  /** Marks the record of a job that was ended by force, unless it is closed; gives it as it is then. */
  async markLost(found: StoredJobRecord): Promise<JobRecord> {
    for (let stored = found; ;) {
      const { record } = stored;
      if (record.lost !== undefined || isEndState(record.status.state)) return record;
      const info = await this.#objects.stat(this.#ref(recordName(record.correlationId)));
      if (info?.generation === stored.generation) {
        const marked = { ...record, lost: { claimedAt: info.createdAt } };
        if ((await this.replace({ ...stored, record: marked })) !== undefined) return marked;
      }
      const changed = await this.read(record.correlationId);
      // Gone: nobody is told anything of it any more.
      if (changed === undefined) return record;
      stored = changed;
    }
  }

  /** All final records stored so far, batch by batch; the same file may be in two. */
  async *readResults(correlationId: string): AsyncGenerator<FileRecord> {
    const range = { bucket: this.#bucket, prefix: resultsFolder(correlationId) };
    for await (const { name } of this.#objects.list(range)) {
      const text = (await this.#objects.readText(this.#ref(name))) ?? '';
      for (const file of fromLines<FileRecord>(name, text)) yield file;
    }
  }

  async #createOnly(ref: ObjectRef, body: string, contentType = 'application/json'): Promise<string | undefined> {
    return await this.#writeAt(ref, body, { ifGenerationMatch: '0', contentType });
  }

  async #writeAt(
    ref: ObjectRef,
    body: string,
    options: { ifGenerationMatch: string; contentType?: string },
  ): Promise<string | undefined> {
    try {
      return (await this.#objects.write(ref, body, options)).generation;
    } catch (error) {
      if (isStorageError(error, 'preconditionFailed')) return undefined;
      throw error;
    }
  }
}
