import type { Client } from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { countFiles, matchesFilter, pageOf } from '../../contract/file-records.ts';
import { chunkPassId } from '../../contract/ids.ts';
import type { FileRecord, JobStatus, LiveStatus } from '../../contract/messages.ts';
import { COUNTED_AS, isEndState, type FileState, type JobCounts, type JobState } from '../../contract/states.ts';
import type { JobChunkStore, ResultsPart } from '../../storage/job-chunks.ts';
import type { JobRecord, JobRecordStore } from '../../storage/job-records.ts';
import { toldOf, untoldOf, withProgress, type DescribedProgress } from './chunk-progress.ts';
import type { FoundJob } from './job-finder.ts';
import { eachFromStorage, fromStorage } from './from-storage.ts';
import { JobQueries, type JobView, type ListQueries, type WorkflowRun } from './job-queries.ts';
import type { JobPage, PageRequest } from './job-service.ts';
import { BulkFiles, endOf, type BulkJob } from './bulk-files.ts';
import { lostStatus, runningStatus, type LostJob, type RunningJob } from './unanswered-status.ts';
import { readStoredFiles, type StoredFiles } from './stored-files.ts';
import { stateAfter, waitingSignals } from './waiting-signals.ts';

/** How a running job stands. */
interface RunningStatus {
  status: JobStatus;
  /** Its counts as far as the records of its files go; undefined where that is not known. */
  recorded: JobCounts | undefined;
  isCounted: boolean;
}

/**
 * Tells how a job and its files stand: of a job that runs, from its workflow, which a worker is asked for, or what a bulk
 * job has told there; where neither is to be had, from its record, which is at most a few seconds behind. Throws
 * ServiceUnavailableError where storage is needed and does not answer.
 */
export class JobViews {
  readonly #client: Client;
  readonly #queries: JobQueries;
  readonly #records: JobRecordStore;
  readonly #bulk: BulkFiles;
  readonly #taskQueue: string;
  readonly #log: Logger;

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
    this.#queries = new JobQueries(deps);
    this.#records = deps.records;
    this.#bulk = new BulkFiles(deps.chunks);
    this.#taskQueue = deps.taskQueue;
    this.#log = deps.log;
  }

  /** `list`: of the queries for the list that this is for. */
  async status(correlationId: string, found: FoundJob, list?: ListQueries): Promise<JobStatus> {
    switch (found.kind) {
      case 'ended':
        return found.record.status;
      case 'running':
        return (await this.#runningStatus(correlationId, found, list)).status;
      case 'lost':
        return lostStatus(correlationId, found, await this.#lostCounts(correlationId, found, list));
    }
  }

  /** How a job stands, and how many files it has: null while more may be found. */
  async count(correlationId: string, found: FoundJob): Promise<{ status: JobStatus; requested: number | null }> {
    const { status, isCounted } =
      found.kind === 'running'
        ? await this.#runningStatus(correlationId, found)
        : { status: await this.status(correlationId, found), isCounted: false };
    return { status, requested: isCounted || status.endedAt !== null ? status.counts.requested : null };
  }

  /** How a running job stands as its workflow says itself; undefined where no worker answers. */
  async live(correlationId: string, found: RunningJob): Promise<JobStatus | undefined> {
    return (await this.#live(correlationId, found))?.status;
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

  /** All files that are in this state of a job that has ended, in their order, some at a time. */
  async *files(record: JobRecord, state: FileState): AsyncGenerator<readonly FileRecord[]> {
    const { correlationId, receivedAt, status } = record;
    if (status.state === 'Rejected') return;
    if (record.bulk !== null) {
      const job: BulkJob = { correlationId, receivedAt, end: endOf(status) };
      yield* eachFromStorage(this.#bulk.all(job, { state }));
    } else yield (await this.#storedFiles(record)).files.filter((file) => matchesFilter(file, { state }));
  }

  async #view(correlationId: string, found: FoundJob, request: PageRequest): Promise<JobView> {
    if (found.record !== undefined && found.record.bulk !== null)
      return await this.#bulkView(found, found.record, request);
    if (found.kind === 'lost') return await this.#lostView(correlationId, found, request);
    if (found.kind === 'running') {
      const live = await this.#queries.view({ correlationId }, request);
      const record = live && (await this.#recordSince(found, live));
      if (record !== undefined && record.bulk !== null)
        return await this.#bulkView({ ...found, record }, record, request);
      if (live !== undefined) return live;
    }
    const stored = await this.#storedFiles(found.record);
    const status = found.kind === 'ended' ? found.record.status : runningStatus(correlationId, found, countsOf(stored));
    const isDecided = status.state !== 'Requested' && status.state !== 'Rejected';
    const state = found.kind === 'ended' ? status.state : await this.#stateAhead(correlationId, found, status.state);
    const page = pageOf(isDecided ? stored.files : [], request);
    return { status: { ...status, state }, collections: stored.collections, page };
  }

  /** Of a list that was ended by force: as its workflow knew, which is ahead of what is stored, else as that is. */
  async #lostView(correlationId: string, found: LostJob, request: PageRequest): Promise<JobView> {
    const closed = closedRun(correlationId, found);
    const told = closed && (await this.#queries.view(closed, request));
    if (told !== undefined) return { ...told, status: lostStatus(correlationId, found, told.status.counts) };
    const stored = await this.#storedFiles(found.record);
    const status = lostStatus(correlationId, found, countsOf(stored));
    return { status, collections: stored.collections, page: pageOf(stored.files, request) };
  }

  /** The counts of a job that was ended by force; undefined: nothing is known. */
  async #lostCounts(correlationId: string, found: LostJob, list?: ListQueries): Promise<JobCounts | undefined> {
    const closed = closedRun(correlationId, found);
    const told = closed && (await this.#queries.status(closed, list));
    return told?.counts ?? (await this.#storedCounts(found.record));
  }

  /**
   * The record of a job that had none when it was looked for, where its workflow knows of files and tells of none: those of
   * a bulk job are told of in storage alone.
   */
  async #recordSince({ record }: FoundJob, { status, page }: JobView): Promise<JobRecord | undefined> {
    if (record !== undefined || page.files.length > 0 || status.counts.requested === 0) return undefined;
    return (await fromStorage(this.#records.read(status.correlationId)))?.record;
  }

  /**
   * How a running job stands: as a bulk job's description says, which asks nothing of the workers that copy, else as its
   * workflow does.
   */
  async #runningStatus(correlationId: string, found: RunningJob, list?: ListQueries): Promise<RunningStatus> {
    const status = (await this.#described(correlationId, found)) ?? (await this.#live(correlationId, found, list));
    if (status !== undefined) return status;
    const shown = runningStatus(correlationId, found, await this.#storedCounts(found.record));
    // Of a list each would be one request more.
    const state = list === undefined ? await this.#stateAhead(correlationId, found, shown.state) : shown.state;
    return { status: { ...shown, state }, recorded: undefined, isCounted: false };
  }

  /** The state that a job of which no worker answers will have heard of first: what it was told would else seem lost. */
  async #stateAhead(correlationId: string, { execution }: RunningJob, shown: JobState): Promise<JobState> {
    try {
      const waiting = await waitingSignals(this.#client, { correlationId, runId: execution.runId });
      return waiting.reduce((state, action) => stateAfter(action, state), shown);
    } catch (error) {
      this.#log.warn({ err: error, correlationId }, 'cannot see what a job is still to hear');
      return shown;
    }
  }

  async #described(correlationId: string, { progress }: RunningJob): Promise<RunningStatus | undefined> {
    const { live } = progress;
    const stored = live && (await this.#storedOf(correlationId, live, progress));
    return stored && counted(live, progress, stored);
  }

  async #live(correlationId: string, { progress }: RunningJob, list?: ListQueries): Promise<RunningStatus | undefined> {
    const live = await this.#queries.status({ correlationId }, list);
    return live && counted(live, progress, (await this.#storedOf(correlationId, live, progress)) ?? []);
  }

  /**
   * The results of passes that are not under way any more, of which the job has not heard, or heard nothing certain: those
   * that they stored before they ended. Undefined where they cannot be had.
   */
  async #storedOf(
    correlationId: string,
    { underWay = [] }: LiveStatus,
    { pending }: DescribedProgress,
  ): Promise<ResultsPart[] | undefined> {
    const ended = underWay.filter((pass) => pass.isUncertain === true || !pending.has(chunkPassId(pass)));
    try {
      return await this.#bulk.resultsOf(correlationId, ended);
    } catch (error) {
      this.#log.warn({ err: error, correlationId }, 'cannot list what passes over chunks have stored');
      return undefined;
    }
  }

  /** The files of a bulk job stand in storage, whether it runs or not. */
  async #bulkView(found: FoundJob, record: JobRecord, request: PageRequest): Promise<JobView> {
    const { correlationId, receivedAt, collections } = record;
    const running: BulkJob = { correlationId, receivedAt, end: null };
    const isRunning = found.kind === 'running';
    // Of a job that runs, the files are looked for beside that: somebody waits for both.
    const early = isRunning ? this.#bulk.page(running, request) : undefined;
    early?.catch(() => undefined);
    const { status, recorded } = isRunning
      ? await this.#runningStatus(correlationId, found)
      : { status: await this.status(correlationId, found), recorded: undefined };
    const isDecided = status.state !== 'Requested' && status.state !== 'Rejected';
    if (!isDecided) return { status, collections, page: { files: [], totalCount: 0, next: null } };
    // Only a closed record says that files without a result have none to come. It may have been closed since it was read:
    // the workflow tells its end only after that.
    const isClosed = found.kind === 'ended' || (isEndState(status.state) && status.state !== 'Terminated');
    const job: BulkJob = { ...running, end: isClosed ? endOf(status) : null };
    const reading = isClosed ? undefined : early;
    const [page, totalCount] = await fromStorage(
      Promise.all([
        reading ?? this.#bulk.page(job, request),
        this.#totalCount(job, recorded ?? status.counts, record, request),
      ]),
    );
    // The end of what was planned, or done, by then: more of it may be counted by now.
    const isBehind = reading !== undefined && page.next === null && totalCount > mostOnPages(page.files, request);
    const current = isBehind ? await fromStorage(this.#bulk.page(job, request)) : page;
    return { status, collections, page: { ...current, totalCount } };
  }

  /** How many files match: what the counts tell need not be counted. */
  async #totalCount(
    job: BulkJob,
    counts: JobCounts,
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
    return await fromStorage(this.#bulk.counts({ correlationId, receivedAt, end: null }));
  }

  async #storedFiles(record: JobRecord | undefined): Promise<StoredFiles> {
    if (record === undefined) return { files: [], collections: [] };
    return await fromStorage(readStoredFiles(this.#records, record));
  }
}

/** The closed workflow of a list, where it may be asked what it knew: its files are told of in storage some seconds later. */
function closedRun(correlationId: string, { record, runId }: LostJob): WorkflowRun | undefined {
  const isList = record !== undefined && record.bulk === null && record.entries !== null;
  return isList && runId !== undefined ? { correlationId, runId } : undefined;
}

/** How a job stands by what it told, with what has come of its passes since: as they stored it, else as they told it. */
function counted(
  { underWay = [], isCounted = false, ...status }: LiveStatus,
  { told }: DescribedProgress,
  stored: readonly ResultsPart[],
): RunningStatus {
  const recorded = withProgress(status.counts, stored);
  const counts = withProgress(recorded, toldOf(told, untoldOf(stored, underWay)));
  return { status: { ...status, counts }, recorded, isCounted };
}

/** How many files there are on this page and those before it, as far as that can be told: all of them, or fewer. */
function mostOnPages(files: readonly FileRecord[], { from, state, collectionId }: PageRequest): number {
  return files.length + (state === undefined && collectionId === undefined ? from : 0);
}

/** How many files are in a state. Those that are in hand are not told from those that wait. */
function countIn(counts: JobCounts, state: FileState): number {
  if (state === 'Requested') return counts.pending;
  return state === 'Processing' ? 0 : counts[COUNTED_AS[state]];
}

function countsOf({ files }: StoredFiles): JobCounts | undefined {
  return files.length === 0 ? undefined : countFiles(files);
}
