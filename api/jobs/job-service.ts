import type {
  Admission,
  CollectionLocation,
  CopyRequest,
  FileFilter,
  FileRecord,
  JobStatus,
  Requestor,
} from '../../contract/messages.ts';
import type { JobState } from '../../contract/states.ts';
import { isRefusal } from './refusal.ts';

/** Who looks at a job: its own caller sees it, an administrator sees everyone's, to others it does not exist. */
export interface Viewer {
  caller: string;
  isAdmin: boolean;
}

/** What can be asked of a job that runs. */
export const JOB_ACTIONS = ['cancel', 'pause', 'resume'] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

export interface NewJob {
  correlationId: string;
  requestor: Requestor;
  request: CopyRequest;
  /** Identifies what the request asks for; see request-digest.ts. */
  digest: string;
  /** When the request was received, in milliseconds since the epoch. */
  receivedAt: number;
}

/** The reading of all files of a job, which may take long: whoever hangs up, or shuts down, aborts the signal. */
export interface Reading {
  signal: AbortSignal;
  /** Called once it is through. */
  onEnd: () => void;
}

/** A job that is to do again what another one did not get done. */
export interface RetryJob extends Omit<NewJob, 'request' | 'digest'> {
  /** The correlation id of the other one. */
  of: string;
  viewer: Viewer;
  reading: Reading;
}

/** How long a caller wants to wait for the end of a job; whoever hangs up, or shuts down, aborts the signal. */
export interface Patience {
  /** Milliseconds. */
  forMs: number;
  signal: AbortSignal;
}

/**
 * What became of a request: `decided` one way or the other, `undecided` (durable, will be decided), `conflict`
 * (the correlation id belongs to another request or caller), or `abandoned` (the job was ended by force before it was
 * decided, and never will be). `requested`: null where that is not known yet. `job` is there where it was waited for, and not refused.
 */
export type CopyAnswer =
  | { kind: 'decided'; requested: number | null; admission: Admission; job?: JobStatus }
  | { kind: 'undecided'; requested: number | null; job?: JobStatus }
  | { kind: 'conflict' }
  | { kind: 'abandoned' };

/** A page of files, looked for from index `from` on. */
export interface PageRequest extends FileFilter {
  from: number;
  limit: number;
}

export interface JobPage {
  job: JobStatus;
  caller: string;
  receivedAt: number;
  taskQueue: string;
  collections: CollectionLocation[];
  files: FileRecord[];
  /** Files that match the filter, on all pages. */
  totalCount: number;
  /** Where the next page starts; null on the last one. */
  next: number | null;
}

/** Which jobs to list. Times are milliseconds since the epoch: started at `startTime` or after, and before `endTime`. */
export interface JobFilter {
  /** Whose jobs; everyone's where it is absent, which is for administrators. */
  requestor?: string | undefined;
  state?: JobState | undefined;
  startTime?: number | undefined;
  endTime?: number | undefined;
}

/** A place in a list of jobs, newest first: behind this job, which started then (microseconds since the epoch). */
export interface JobCursor {
  startedAt: number;
  correlationId: string;
}

export interface JobList {
  jobs: JobStatus[];
  /** Jobs that match the filter, on all pages. */
  totalCount: number;
  /** Where the next page starts; null on the last one. */
  next: JobCursor | null;
}

/**
 * The jobs as the HTTP routes use them. Every method throws ServiceUnavailableError where Temporal or storage, whichever
 * is needed, does not answer in time, or refuses; those that take a viewer throw JobNotFoundError.
 */
export interface JobService {
  /**
   * Starts the job, or finds the one that has the same correlation id, and waits up to 5 s for the decision; with
   * patience, as long as that lasts for decision and end.
   */
  copy(job: NewJob, patience?: Patience): Promise<CopyAnswer>;
  /**
   * Copies again what a job that has ended failed or was cancelled to copy. Throws JobNotRetryableError, and
   * RequestGivenUpError where the signal is aborted before the job is started: then nothing is left of it.
   */
  retry(job: RetryJob, patience?: Patience): Promise<CopyAnswer>;
  /** State and counts of a job. */
  status(correlationId: string, viewer: Viewer): Promise<JobStatus>;
  /** State, counts and a page of files. */
  page(correlationId: string, viewer: Viewer, page: PageRequest): Promise<JobPage>;
  /** A page of jobs, newest first, as far as Temporal remembers them. */
  list(filter: JobFilter, page: { limit: number; after?: JobCursor }): Promise<JobList>;
  /** Sends the job a signal; answers its state after that. Throws JobEndedError, JobOverSignalledError. */
  control(correlationId: string, viewer: Viewer, action: JobAction): Promise<JobStatus>;
}

/** No job of that correlation id that this viewer may see. */
export class JobNotFoundError extends Error {
  override readonly name = 'JobNotFoundError';
}

/** The job has ended; there is nothing left to control. */
export class JobEndedError extends Error {
  override readonly name = 'JobEndedError';
  readonly status: JobStatus;

  constructor(status: JobStatus) {
    super(`The job has ended: ${status.state}`);
    this.status = status;
  }
}

/** The job's workflow has had as many signals as Temporal takes. */
export class JobOverSignalledError extends Error {
  override readonly name = 'JobOverSignalledError';
  readonly status: JobStatus;

  constructor(status: JobStatus) {
    super(`The job takes no more signals: ${status.state}`);
    this.status = status;
  }
}

/** The job has no files to try again: it has not ended, or what became of its files is not settled; or there are none. */
export class JobNotRetryableError extends Error {
  override readonly name = 'JobNotRetryableError';
  readonly problem: 'unsettled' | 'nothing to retry';
  readonly status: JobStatus;

  constructor(problem: 'unsettled' | 'nothing to retry', status: JobStatus) {
    super(`${problem}: the job is ${status.state}`);
    this.problem = problem;
    this.status = status;
  }
}

/** Nobody waits for the answer any more, or the process is to end; what was asked for has not begun. */
export class RequestGivenUpError extends Error {
  override readonly name = 'RequestGivenUpError';
}

/** Temporal or storage did not answer in time, or refused what was asked of it; `dependency` says which. */
export class ServiceUnavailableError extends Error {
  override readonly name = 'ServiceUnavailableError';
  readonly dependency: 'temporal' | 'storage' | 'keys';

  /** What the dependency did. */
  readonly problem: 'does not answer' | 'refuses';

  constructor(dependency: 'temporal' | 'storage' | 'keys', cause: unknown) {
    const problem = isRefusal(cause) ? 'refuses' : 'does not answer';
    super(`${dependency} ${problem}`, { cause });
    this.dependency = dependency;
    this.problem = problem;
  }
}
