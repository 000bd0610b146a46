import type { Client } from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { countFiles, pageOf } from '../../contract/file-records.ts';
import { FILES_QUERY, STATUS_QUERY } from '../../contract/ids.ts';
import { MAX_QUERY_FILES } from '../../contract/limits.ts';
import type { CollectionLocation, FileRecord, FilesPage, FilesQuery, JobStatus } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import {
  emptyCounts,
  isEndState,
  JOB_STATES,
  type FileState,
  type JobCounts,
  type JobState,
} from '../../contract/states.ts';
import type { JobChunkStore } from '../../storage/job-chunks.ts';
import type { JobRecord, JobRecordStore } from '../../storage/job-records.ts';
import { DEADLINES, within } from './deadlines.ts';
import type { FoundJob } from './job-finder.ts';
import { ServiceUnavailableError, type JobPage, type PageRequest } from './job-service.ts';
import { BulkFiles, type BulkJob } from './bulk-files.ts';
import { readStoredFiles, type StoredFiles } from './stored-files.ts';

/** After a job's query went unanswered, for so long (in milliseconds) no other one of that job is waited for. */
const UNANSWERED_FOR_MS = 3_000;

/** Jobs that are remembered as unanswered; past it the oldest is forgotten. */
const MAX_UNANSWERED = 10_000;

const UNSETTLED = reason(
  'TERMINATED',
  'the job was ended by force in Temporal; what became of its remaining files is being found out',
);

const ENDED_UNDECIDED = reason('TERMINATED', 'the job was ended by force in Temporal before it was decided');

type RunningJob = Extract<FoundJob, { kind: 'running' }>;
type LostJob = Extract<FoundJob, { kind: 'lost' }>;

/** What a job's files are, wherever that comes from. */
interface View {
  status: JobStatus;
  collections: CollectionLocation[];
  page: { files: FileRecord[]; totalCount: number; next: number | null };
}

/**
 * Tells how a job and its files stand: from its workflow while a worker answers for it, else from its record, which is
 * at most a few seconds behind. Throws ServiceUnavailableError where storage is needed and does not answer.
 */
export class JobViews {
  readonly #client: Client;
  readonly #records: JobRecordStore;
  readonly #bulk: BulkFiles;
  readonly #taskQueue: string;
  readonly #queryMs: number;
  readonly #log: Logger;
  /** By correlation id, until when no query is tried. One slow answer says nothing about other jobs. */
  readonly #unansweredUntil = new Map<string, number>();

  constructor(deps: {
    client: Client;
    records: JobRecordStore;
    chunks: JobChunkStore;
    taskQueue: string;
    /** How long a worker's answer is waited for, in milliseconds. */
    queryMs?: number | undefined;
    log: Logger;
  }) {
    this.#client = deps.client;
    this.#records = deps.records;
    this.#bulk = new BulkFiles(deps.chunks);
    this.#taskQueue = deps.taskQueue;
    this.#queryMs = deps.queryMs ?? DEADLINES.query;
    this.#log = deps.log;
  }

  async status(correlationId: string, found: FoundJob): Promise<JobStatus> {
    switch (found.kind) {
      case 'ended':
        return found.record.status;
      case 'running':
        return (
          (await this.#query<JobStatus>(correlationId, STATUS_QUERY)) ??
          (await this.#storedStatus(correlationId, found))
        );
      case 'lost':
        return lostStatus(correlationId, found, await this.#storedCounts(found.record));
    }
  }

  async page(correlationId: string, found: FoundJob, request: PageRequest): Promise<JobPage> {
    const { status, collections, page } = await this.#view(correlationId, found, request);
    const { caller, receivedAt } = found.kind === 'ended' ? found.record : { ...found.memo, ...found.record };
    return {
      job: status,
      caller,
      receivedAt,
      taskQueue: found.record?.taskQueue ?? this.#taskQueue,
      collections,
      ...page,
    };
  }

  async #view(correlationId: string, found: FoundJob, request: PageRequest): Promise<View> {
    if (found.record !== undefined && found.record.bulk !== null)
      return await this.#bulkView(found, found.record, request);
    if (found.kind === 'running') {
      const live = await this.#liveView(correlationId, request);
      if (live !== undefined) return live;
    }
    const stored = await this.#storedFiles(found.record);
    const status =
      found.kind === 'ended'
        ? found.record.status
        : found.kind === 'running'
          ? runningStatus(correlationId, found, countsOf(stored))
          : lostStatus(correlationId, found, countsOf(stored));
    const isDecided = status.state !== 'Requested' && status.state !== 'Rejected';
    return { status, collections: stored.collections, page: pageOf(isDecided ? stored.files : [], request) };
  }

  /** Asks the workflow, in as many queries as the page needs. Undefined: no worker answers. */
  async #liveView(correlationId: string, { from, limit, ...filter }: PageRequest): Promise<View | undefined> {
    const status = await this.#query<JobStatus>(correlationId, STATUS_QUERY);
    if (status === undefined) return undefined;
    const files: FileRecord[] = [];
    let next: number | null = from;
    let page: FilesPage | undefined;
    while (next !== null && files.length < limit) {
      const query: FilesQuery = { ...filter, from: next, limit: Math.min(MAX_QUERY_FILES, limit - files.length) };
      page = await this.#query<FilesPage>(correlationId, FILES_QUERY, query);
      if (page === undefined) return undefined;
      files.push(...page.files);
      next = page.next;
    }
    if (page === undefined) return undefined;
    return { status, collections: page.collections, page: { files, totalCount: page.totalCount, next } };
  }

  async #query<T>(correlationId: string, query: string, ...args: unknown[]): Promise<T | undefined> {
    if (performance.now() < (this.#unansweredUntil.get(correlationId) ?? 0)) return undefined;
    try {
      return await within(this.#client, this.#queryMs, () =>
        this.#client.workflow.getHandle(correlationId).query<T, unknown[]>(query, ...args),
      );
    } catch (error) {
      this.#noteUnanswered(correlationId);
      this.#log.warn({ err: error, correlationId, query }, 'no worker answered a query; the record is read instead');
      return undefined;
    }
  }

  #noteUnanswered(correlationId: string): void {
    this.#unansweredUntil.delete(correlationId);
    this.#unansweredUntil.set(correlationId, performance.now() + UNANSWERED_FOR_MS);
    const [oldest] = this.#unansweredUntil.keys();
    if (this.#unansweredUntil.size > MAX_UNANSWERED && oldest !== undefined) this.#unansweredUntil.delete(oldest);
  }

  async #storedStatus(correlationId: string, found: RunningJob): Promise<JobStatus> {
    return runningStatus(correlationId, found, await this.#storedCounts(found.record));
  }

  /** The files of a bulk job stand in storage, whether it runs or not. */
  async #bulkView(found: FoundJob, record: JobRecord, request: PageRequest): Promise<View> {
    const { correlationId, receivedAt, collections } = record;
    const status = await this.status(correlationId, found);
    const isDecided = status.state !== 'Requested' && status.state !== 'Rejected';
    if (!isDecided) return { status, collections, page: { files: [], totalCount: 0, next: null } };
    // Only a closed record says that files without a result were never begun.
    const job: BulkJob = { correlationId, receivedAt, endedAt: found.kind === 'ended' ? status.endedAt : null };
    try {
      const [page, totalCount] = await Promise.all([
        this.#bulk.page(job, request),
        this.#totalCount(job, status, record, request),
      ]);
      return { status, collections, page: { ...page, totalCount } };
    } catch (error) {
      throw new ServiceUnavailableError('storage', error);
    }
  }

  /** How many files match: what the counts tell need not be counted. */
  async #totalCount(
    job: BulkJob,
    { counts }: JobStatus,
    { bulk, collections }: JobRecord,
    { state, collectionId }: PageRequest,
  ): Promise<number> {
    const isInAll = bulk?.kind === 'collection' && collections.some((place) => place.collectionId === collectionId);
    if (collectionId !== undefined && !isInAll) {
      return await this.#bulk.count(job, { collectionId, ...(state && { state }) });
    }
    return state === undefined ? counts.requested : countIn(counts, state);
  }

  /** Counts as far as they are stored; undefined: nothing is. */
  async #storedCounts(record: JobRecord | undefined): Promise<JobCounts | undefined> {
    if (record === undefined || record.bulk === null) return countsOf(await this.#storedFiles(record));
    const { correlationId, receivedAt } = record;
    try {
      return await this.#bulk.counts({ correlationId, receivedAt, endedAt: null });
    } catch (error) {
      throw new ServiceUnavailableError('storage', error);
    }
  }

  async #storedFiles(record: JobRecord | undefined): Promise<StoredFiles> {
    if (record === undefined) return { files: [], collections: [] };
    try {
      return await readStoredFiles(this.#records, record);
    } catch (error) {
      throw new ServiceUnavailableError('storage', error);
    }
  }
}

/** How many files are in a state. Those that are in hand are not told from those that wait. */
function countIn(counts: JobCounts, state: FileState): number {
  switch (state) {
    case 'Requested':
      return counts.pending;
    case 'Processing':
      return 0;
    case 'Completed':
      return counts.completed;
    case 'Skipped':
      return counts.skipped;
    case 'Failed':
      return counts.failed;
    case 'Cancelled':
      return counts.cancelled;
  }
}

function countsOf({ files }: StoredFiles): JobCounts | undefined {
  return files.length === 0 ? undefined : countFiles(files);
}

/** State by search attribute, which the workflow sets with every change; counts by the results stored so far. */
function runningStatus(
  correlationId: string,
  { record, memo, execution }: RunningJob,
  counts: JobCounts = emptyCounts(memo.requested),
): JobStatus {
  const attribute = execution.typedSearchAttributes.get(COPY_STATE);
  const known = JOB_STATES.find((state) => state === attribute);
  // The last state is set a moment before the record is closed and the workflow with it.
  const state: JobState = known === undefined ? 'Requested' : isEndState(known) ? 'Processing' : known;
  return {
    correlationId,
    state,
    counts: state === 'Requested' ? emptyCounts(memo.requested) : counts,
    startedAt: record?.receivedAt ?? memo.receivedAt,
    endedAt: null,
    message: '',
  };
}

function lostStatus(
  correlationId: string,
  { record, memo, endedAt }: LostJob,
  // Of a job that was never accepted, no file is waited for.
  counts: JobCounts = { ...emptyCounts(memo.requested), pending: 0 },
): JobStatus {
  return {
    correlationId,
    state: 'Terminated',
    counts,
    startedAt: record?.receivedAt ?? memo.receivedAt,
    // One that has a record ends when that is closed: what is told of its files until then may change.
    endedAt: record === undefined ? endedAt : null,
    message: record === undefined ? ENDED_UNDECIDED : UNSETTLED,
  };
}
