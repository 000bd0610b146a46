import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../config/logger.ts';
import type { JobMemo } from '../../contract/messages.ts';
import { COPY_WORKFLOW } from '../../contract/ids.ts';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import { isEndState, JOB_STATES } from '../../contract/states.ts';
import { MIN_AGE_OF_UNKNOWN_RECORD_MS } from '../../contract/upkeep.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { JobRecord, JobRecordStore, StoredJobRecord } from '../../storage/job-records.ts';
import { DEADLINES, within } from './deadlines.ts';
import { NOTHING_DESCRIBED, progressOf, type DescribedProgress } from './chunk-progress.ts';
import { fromStorage } from './from-storage.ts';
import { memoOf } from './job-memo.ts';
import type { JobReconciler } from './job-reconciler.ts';
import { JobNotFoundError, ServiceUnavailableError, type Viewer } from './job-service.ts';

/** Running jobs that are remembered as such. */
const MOST_OPEN = 1_000;

/** What Temporal tells of a workflow, whether it describes it or lists it. */
type Execution = Omit<WorkflowExecutionInfo, 'raw'>;

/** Where the truth about a job is to be had. */
export type FoundJob =
  /** Its record is closed: the record tells everything. */
  | { kind: 'ended'; record: JobRecord }
  /**
   * Its workflow is open; there is no record before a worker has claimed the correlation id. `progress`: that of a bulk
   * job, as Temporal described it.
   */
  | {
      kind: 'running';
      record: JobRecord | undefined;
      memo: JobMemo;
      execution: Execution;
      progress: DescribedProgress;
    }
  /**
   * Its workflow is closed or gone, and did not live to close the record. One that has no record had not claimed its
   * correlation id: nothing was decided, and nothing done. `runId`: of the closed workflow, where it may be asked what it
   * knew; its local activities may run again for that, so that the record has to be marked before.
   */
  | { kind: 'lost'; record: JobRecord | undefined; memo: JobMemo; endedAt: number | null; runId?: string };

/**
 * Finds jobs by correlation id: the record first, Temporal where that does not have the last word. Has those settled
 * that it finds lost.
 */
export class JobFinder {
  readonly #client: Client;
  readonly #records: JobRecordStore;
  readonly #reconciler: JobReconciler;
  readonly #log: Logger;
  /** Jobs that ran when they were last looked at. */
  readonly #open = new LRUCache<string, true>({ max: MOST_OPEN });

  constructor(deps: { client: Client; records: JobRecordStore; reconciler: JobReconciler; log: Logger }) {
    this.#client = deps.client;
    this.#records = deps.records;
    this.#reconciler = deps.reconciler;
    this.#log = deps.log;
  }

  /** Throws JobNotFoundError where this viewer may not see such a job, and ServiceUnavailableError. */
  async find(correlationId: string, viewer: Viewer): Promise<FoundJob> {
    const found = await this.#locate(correlationId);
    const caller = found.record?.caller ?? ('memo' in found ? found.memo.caller : undefined);
    if (!viewer.isAdmin && caller !== viewer.caller) throw new JobNotFoundError();
    return found;
  }

  async #locate(correlationId: string): Promise<FoundJob> {
    // Of a job that ran when it was last looked at, Temporal will have to be asked: it is while the record is read.
    const asking = this.#open.has(correlationId) ? this.#describe(correlationId) : undefined;
    asking?.catch(() => undefined);
    const stored = await this.#readRecord(correlationId);
    if (stored !== undefined && isEndState(stored.record.status.state)) {
      this.#open.delete(correlationId);
      return { kind: 'ended', record: stored.record };
    }
    const execution = await (asking ?? this.#describe(correlationId));
    if (execution?.status.name === 'RUNNING') this.#open.set(correlationId, true);
    else this.#open.delete(correlationId);
    if (execution !== undefined) {
      const found = await this.#fromExecution(correlationId, stored, execution, execution);
      if (found === undefined) throw new JobNotFoundError();
      return found;
    }
    const current = await this.#readRecord(correlationId);
    if (current === undefined) throw new JobNotFoundError();
    const { record: open } = current;
    if (isEndState(open.status.state)) return { kind: 'ended', record: open };
    return await this.#lost(current, { memo: memoOfRecord(open), endedAt: null });
  }

  /**
   * The job of a workflow that Temporal has listed, whoever's it is; undefined where it ended, and its record is not kept
   * any more. Throws ServiceUnavailableError.
   */
  async fromList(correlationId: string, listed: Execution): Promise<FoundJob | undefined> {
    const stored = await this.#readRecord(correlationId);
    if (stored !== undefined && isEndState(stored.record.status.state)) return { kind: 'ended', record: stored.record };
    const isOpen = listed.status.name === 'RUNNING';
    // A list does not tell of activities, as a description does; nor that the job goes on in another run since.
    const isDescribed = isOpen ? isBulk(stored?.record) : stored !== undefined;
    const described = isDescribed ? await this.#describe(correlationId) : undefined;
    return await this.#fromExecution(correlationId, stored, described ?? listed, described);
  }

  async #fromExecution(
    correlationId: string,
    stored: StoredJobRecord | undefined,
    execution: Execution,
    described?: WorkflowExecutionDescription,
  ): Promise<FoundJob | undefined> {
    // Under an id like a job's, in a namespace that is not this service's alone, somebody else's workflow may run.
    if (execution.type !== COPY_WORKFLOW) return undefined;
    const record = stored?.record;
    const memo = memoOf(execution);
    if (execution.status.name === 'RUNNING') {
      const progress = described === undefined ? NOTHING_DESCRIBED : progressOf(described);
      return { kind: 'running', record, memo, execution, progress };
    }
    // It may have closed its record since that was read, before it was described.
    const current = (described && (await this.#readRecord(correlationId))) ?? stored;
    const endedAt = execution.closeTime?.getTime() ?? null;
    if (current === undefined) return hasEnded(execution) ? undefined : { kind: 'lost', record, memo, endedAt };
    if (isEndState(current.record.status.state)) return { kind: 'ended', record: current.record };
    const isOfChain = described?.raw.workflowExecutionInfo?.firstRunId === current.record.chain.firstRunId;
    return await this.#lost(current, { memo, endedAt, ...(isOfChain && { runId: execution.runId }) });
  }

  /**
   * What is left of a job that was ended by force is kept from writing an end before anybody is told of that. Of one that
   * Temporal does not know, only once that cannot be because Temporal is behind.
   */
  async #lost(
    stored: StoredJobRecord,
    { runId, ...known }: { memo: JobMemo; endedAt: number | null; runId?: string },
  ): Promise<FoundJob> {
    const { record } = stored;
    await this.#reconciler.begin(record.correlationId);
    const isOurs = record.chain.namespace === this.#client.options.namespace;
    const marked =
      isOurs && (known.endedAt !== null || (await this.#isOld(record))) ? await this.#mark(stored) : record;
    if (isEndState(marked.status.state)) return { kind: 'ended', record: marked };
    const mayBeAsked = runId !== undefined && marked.lost !== undefined;
    return { kind: 'lost', record: marked, ...known, ...(mayBeAsked && { runId }) };
  }

  async #isOld(record: JobRecord): Promise<boolean> {
    return Date.now() - ((await fromStorage(this.#records.claimedAt(record))) ?? 0) >= MIN_AGE_OF_UNKNOWN_RECORD_MS;
  }

  async #mark(stored: StoredJobRecord): Promise<JobRecord> {
    try {
      return await this.#records.markLost(stored);
    } catch (error) {
      if (!isStorageError(error)) throw error;
      if (error.isTransient) throw new ServiceUnavailableError('storage', error);
      // Without the right to write there, it is told of all the same; the settling marks it too.
      const { correlationId } = stored.record;
      this.#log.warn({ err: error, correlationId }, 'cannot mark the record of a job that was ended by force');
      return stored.record;
    }
  }

  async #readRecord(correlationId: string): Promise<StoredJobRecord | undefined> {
    return await fromStorage(this.#records.read(correlationId));
  }

  async #describe(correlationId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await within(this.#client, DEADLINES.describe, () =>
        this.#client.workflow.getHandle(correlationId).describe(),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw new ServiceUnavailableError('temporal', error);
    }
  }
}

function isBulk(record: JobRecord | undefined): boolean {
  return record !== undefined && record.bulk !== null;
}

function memoOfRecord({ caller, digest, status, receivedAt }: JobRecord): JobMemo {
  return { caller, digest, requested: status.counts.requested, receivedAt };
}

/** Whether a closed workflow showed its job's end, which it does only once the record is closed. */
function hasEnded({ typedSearchAttributes }: Execution): boolean {
  const state = JOB_STATES.find((known) => known === typedSearchAttributes.get(COPY_STATE));
  return state !== undefined && isEndState(state);
}
