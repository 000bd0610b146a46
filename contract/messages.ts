/** What API, workflow and activities say to each other. All of it is sent as plain JSON. */
import type { FileState, JobCounts, JobState } from './states.ts';

/** One file to copy, with its defaults filled in. */
export interface FileEntry {
  sourceCollectionId: string;
  destinationCollectionId: string;
  fileName: string;
  destinationFileName: string;
}

export const OVERWRITE_MODES = ['always', 'never', 'ifDifferent'] as const;
export type Overwrite = (typeof OVERWRITE_MODES)[number];

export const ON_LOCKED_MODES = ['reject', 'wait', 'skip'] as const;
/** What to do where others hold a file: refuse the job, wait for them (up to an hour), or do without the file. */
export type OnLocked = (typeof ON_LOCKED_MODES)[number];

/** Options that are absent are at their default, as in requests that were made before the service knew them. */
export interface CopyOptions {
  overwrite: Overwrite;
  /** Default: `reject`. */
  onLocked?: OnLocked;
  /** 1 (first) to 5; default 3. */
  priority?: number;
  /** Checks and tells what would happen; locks nothing, copies nothing. Default: false. */
  dryRun?: boolean;
  /** How many files a second the whole job may copy, over all workers. Default: no bound of its own. */
  maxFilesPerSecond?: number;
}

/** Who asks: `caller` owns the job; access lists may name any of the `principals`. */
export interface Requestor {
  caller: string;
  principals: string[];
}

/** Where the files of a bulk job stand, which is too many to travel in messages. */
export type BulkSource =
  /** A long list. */
  | ({ kind: 'stored' } & StoredList)
  /** A list that the caller keeps as a file in a collection. */
  | { kind: 'manifest'; collectionId: string; fileName: string }
  /** Everything under a prefix; `rest`: what another job has left of it. */
  | {
      kind: 'collection';
      sourceCollectionId: string;
      destinationCollectionId: string;
      prefix: string;
      rest?: ListingRest;
    };

/** A list as an object of the control bucket: NDJSON of FileEntry, one a line. */
export interface StoredList {
  object: string;
  generation: string;
  count: number;
}

/** What is left of a prefix by a job that ended before all of it was listed. */
export interface ListingRest {
  /** The last file that was listed, by its name; empty: none was. */
  after: string;
  /** Of those that were listed, the ones that are to be tried again; absent: none. */
  again?: StoredList;
}

export type CollectionSource = Extract<BulkSource, { kind: 'collection' }>;

/** Whether a list is read before a request is decided: of a prefix, that of the files which are to be tried again. */
export function hasList(source: BulkSource): boolean {
  return source.kind !== 'collection' || storedListOf(source) !== undefined;
}

/** The list that is planned before a request is decided, where it has one that the service has stored. */
export function storedListOf(source: BulkSource): StoredList | undefined {
  if (source.kind === 'stored') return source;
  return source.kind === 'collection' ? source.rest?.again : undefined;
}

/** A short list, which travels as it is. */
export interface ListRequest {
  entries: FileEntry[];
  options: CopyOptions;
}

export interface BulkRequest {
  bulk: BulkSource;
  options: CopyOptions;
}

/** A validated request with its defaults filled in. */
export type CopyRequest = ListRequest | BulkRequest;

/** Argument of the workflow. */
export interface CopyFilesInput<Request extends CopyRequest = ListRequest> {
  requestor: Requestor;
  /** Identifies the request's content: SHA-256 of its canonical form, in hex. */
  digest: string;
  request: Request;
  /** When the API received the request, in milliseconds since the epoch. */
  receivedAt: number;
}

/** The memo of a job's workflow: what is known of a job before any worker has seen it, and what the workflow adds. */
export interface JobMemo {
  caller: string;
  digest: string;
  /** How many files were asked for, as far as that was known then. */
  requested: number;
  receivedAt: number;
  /** The object that its list is stored in, where it has one. */
  input?: string;
  /** Of a bulk job, once it is accepted: how it stood after the latest workflow task of this run. */
  live?: LiveStatus & { runId: string };
}

/** A mistake in a request: where, and what would be right. */
export interface RequestError {
  path: string;
  message: string;
}

/** A file that others hold, or everything under a prefix. */
export interface LockedFile {
  collectionId: string;
  /** Of a prefix, the prefix; empty: the whole collection. */
  fileName: string;
  /** Says what is locked, the file or everything under a prefix, and by whom; absent where nobody is known. */
  message?: string;
}

/** A lock on everything under a destination prefix. */
export interface HeldPrefixLock {
  bucket: string;
  prefix: string;
  /** Generation of the lock object. */
  generation: string;
  /** When it was taken, in milliseconds since the epoch. */
  createdAt: number;
}

/** What was decided about a request. */
export type Admission =
  | { decision: 'accepted' }
  | { decision: 'forbidden'; message: string }
  | { decision: 'invalid'; errors: RequestError[] }
  | { decision: 'locked'; files: LockedFile[] };

/** That the caller may not do what is asked for, or that it makes no sense. */
export type Refusal = Extract<Admission, { decision: 'forbidden' | 'invalid' }>;

/**
 * Answer of the `admit` update. Temporal gives a stored outcome to anyone who repeats the update id, so the outcome
 * says whose request it decided, and the API compares.
 */
export interface AdmissionOutcome {
  caller: string;
  digest: string;
  /** How many files were asked for; null where that is not known by then. */
  requested: number | null;
  /** Null: the job was ended by force before it was decided, and never will be. */
  admission: Admission | null;
}

/** A place for files: a bucket and a prefix, as its document said when access was decided. */
export interface CollectionLocation {
  collectionId: string;
  bucket: string;
  prefix: string;
  /** Generation of the document that access was decided on. */
  generation: string;
}

/** A job as the owner of locks and records. Continue-as-new changes the run id, so the chain's first one names it. */
export interface JobOwner {
  kind: 'job';
  correlationId: string;
  firstRunId: string;
  namespace: string;
}

/** State of a job as callers see it. Times are milliseconds since the epoch. */
export interface JobStatus {
  correlationId: string;
  state: JobState;
  counts: JobCounts;
  /** When the request was received that the job was made of: the one time that every answer knows, for as long as it is told of. */
  startedAt: number;
  /** Null until the job has ended and is settled. */
  endedAt: number | null;
  /** Why it is where it is; empty where there is nothing to say. */
  message: string;
}

/** A pass over a chunk of a bulk job: its results are stored under this chunk and part. */
export interface ChunkPassRef {
  chunk: number;
  part: number;
  /** An activity ended without saying what it did: it may have stored results. */
  isUncertain?: boolean;
}

/** Answer of the `status` query, and what a bulk job's workflow is described with. */
export interface LiveStatus extends JobStatus {
  /** Of a bulk job, the passes whose results are not in the counts: those under way, and those that are uncertain. */
  underWay?: ChunkPassRef[];
  /** Of a bulk job: `requested` counts every file. While a prefix is listed, there may be more. */
  isCounted?: boolean;
}

export interface StateChange {
  state: FileState;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Everything known about one file of a job. */
export interface FileRecord extends FileEntry {
  /** Position in the request, from 0. */
  index: number;
  state: FileState;
  retryCount: number;
  /** `CODE: sentence`, or empty. */
  message: string;
  /** Size in bytes, crc32c (base64) and generation of the destination object; null until known. */
  size: number | null;
  crc32c: string | null;
  generation: string | null;
  sourceGeneration: string | null;
  history: StateChange[];
}

/** Narrows a page of files. */
export interface FileFilter {
  state?: FileState;
  /** Matches the source or the destination collection. */
  collectionId?: string;
}

/** Argument of the `files` query: at most `limit` matching files (fewer where they would not fit an answer), looked for from index `from` on. */
export interface FilesQuery extends FileFilter {
  from: number;
  limit: number;
}

/** Answer of the `files` query; `next` is the index to go on from, null at the end. */
export interface FilesPage {
  files: FileRecord[];
  next: number | null;
  /** Files that match the filter, on all pages. */
  totalCount: number;
  collections: CollectionLocation[];
  /** How the job stands as its files are told of. */
  status: JobStatus;
}
