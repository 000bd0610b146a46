import type {
  Admission,
  CollectionLocation,
  CopyRequest,
  FileFilter,
  FileRecord,
  JobStatus,
  Requestor,
} from '../../contract/messages.ts';

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
  /** When the request was received, in milliseconds since the epoch. */
  receivedAt: number;
}

/**
 * What became of a request: `decided` one way or the other, `undecided` (durable, will be decided), or `conflict`
 * (the correlation id belongs to another request or caller).
 */
export type CopyAnswer =
  | { kind: 'decided'; requested: number; admission: Admission }
  | { kind: 'undecided'; requested: number }
  | { kind: 'conflict' };

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

/**
 * The jobs as the HTTP routes use them. Every method throws ServiceUnavailableError where Temporal or storage, whichever
 * is needed, does not answer in time; those that take a viewer throw JobNotFoundError.
 */
export interface JobService {
  /** Starts the job, or finds the one that has the same correlation id, and waits up to 5 s for the decision. */
  copy(job: NewJob): Promise<CopyAnswer>;
  /** State and counts of a job. */
  status(correlationId: string, viewer: Viewer): Promise<JobStatus>;
  /** State, counts and a page of files. */
  page(correlationId: string, viewer: Viewer, page: PageRequest): Promise<JobPage>;
  /** Sends the job a signal; answers its state after that. Throws JobEndedError. */
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

/** Temporal or storage did not answer in time; `dependency` says which. */
export class ServiceUnavailableError extends Error {
  override readonly name = 'ServiceUnavailableError';
  readonly dependency: 'temporal' | 'storage' | 'keys';

  constructor(dependency: 'temporal' | 'storage' | 'keys', cause: unknown) {
    super(`${dependency} does not answer`, { cause });
    this.dependency = dependency;
  }
}
