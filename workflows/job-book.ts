import type {
  AdmissionOutcome,
  CopyFilesInput,
  FileEntry,
  FileRecord,
  FilesPage,
  FilesQuery,
  JobStatus,
} from '../contract/messages.ts';
import { MAX_QUERY_BYTES } from '../contract/limits.ts';
import { countFile, emptyCounts, isFinalFileState } from '../contract/states.ts';
import { cancelledOutcome, type FileOutcome } from '../contract/file-outcome.ts';
import { fitting, pageOf, requestedFile } from '../contract/file-records.ts';
import { JobLife, type CarriedLife } from './job-life.ts';

/** What became of a file so far; its names stand in the request. */
type CarriedFile = Omit<FileRecord, keyof FileEntry | 'index'>;

/** What a job takes along when it continues as a new run: what it knows of its files, all of which is stored. */
export interface CarriedJobBook extends CarriedLife {
  files: CarriedFile[];
}

/** A job that knows each of its files. */
export class JobBook extends JobLife {
  readonly files: FileRecord[];
  readonly entries: FileEntry[];
  #unsaved: FileRecord[] = [];

  constructor(correlationId: string, input: CopyFilesInput, carried?: CarriedJobBook) {
    const { entries } = input.request;
    super(correlationId, input, emptyCounts(entries.length), carried);
    this.entries = entries;
    this.files = entries.map((entry, index) => ({
      ...requestedFile(entry, index, input.receivedAt),
      ...carried?.files[index],
    }));
  }

  override carry(): CarriedJobBook {
    const files = this.files.map(
      ({ state, retryCount, message, size, crc32c, generation, sourceGeneration, history }): CarriedFile => ({
        ...{ state, retryCount, message, size, crc32c, generation, sourceGeneration, history },
      }),
    );
    return { ...super.carry(), files };
  }

  /** Files that have not come to their end. */
  unfinished(): FileRecord[] {
    return this.files.filter(({ state }) => !isFinalFileState(state));
  }

  override adopt(outcome: AdmissionOutcome, status: JobStatus): void {
    super.adopt(outcome, status);
    // What became of its files stands in that record; ours were never begun.
    this.files.length = 0;
  }

  startFile(file: FileRecord, now: number): void {
    file.state = 'Processing';
    file.history.push({ state: 'Processing', at: now });
  }

  /** Puts a file back whose copying was held before anything was written. */
  requeueFile(file: FileRecord, now: number): void {
    file.state = 'Requested';
    file.history.push({ state: 'Requested', at: now });
  }

  /** Writes what became of a file; each file once. */
  finishFile(file: FileRecord, outcome: FileOutcome, now: number): void {
    Object.assign(file, outcome);
    file.history.push({ state: outcome.state, at: now });
    countFile(this.counts, outcome.state, outcome.size ?? 0);
    this.#unsaved.push(file);
  }

  /** Cancels every file that nothing was done about. */
  cancelRest(now: number): void {
    for (const file of this.files) {
      if (file.state === 'Requested') this.finishFile(file, cancelledOutcome(), now);
    }
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.length > 0;
  }

  /** The records that are not stored yet; they count as stored from here on. */
  takeUnsaved(): FileRecord[] {
    const files = this.#unsaved;
    this.#unsaved = [];
    return files;
  }

  /** A page of files. A job that is not decided, or was refused, has none. */
  page(query: FilesQuery): FilesPage {
    const page = fitting(pageOf(this.isAccepted ? this.files : [], query), MAX_QUERY_BYTES);
    return { ...page, collections: this.collections, status: this.status() };
  }
}
