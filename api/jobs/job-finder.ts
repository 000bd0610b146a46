import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import type { JobMemo } from '../../contract/messages.ts';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import { isEndState, JOB_STATES } from '../../contract/states.ts';
import type { ResultsPart } from '../../storage/job-chunks.ts';
import type { JobRecord, JobRecordStore, StoredJobRecord } from '../../storage/job-records.ts';
import { DEADLINES, within } from './deadlines.ts';
import { progressOf } from './chunk-progress.ts';
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
   * Its workflow is open; there is no record before a worker has claimed the correlation id. `progress`: of a bulk job,
   * what its chunks have done whose results are not stored yet.
   */
  | { kind: 'running'; record: JobRecord | undefined; memo: JobMemo; execution: Execution; progress: ResultsPart[] }
  /**
   * Its workflow is closed or gone, and did not live to close the record. One that has no record had not claimed its
   * correlation id: nothing was decided, and nothing done.
   */
  | { kind: 'lost'; record: JobRecord | undefined; memo: JobMemo; endedAt: number | null };

/**
 * Finds jobs by correlation id: the record first, Temporal where that does not have the last word. Has those settled
 * that it finds lost.
 */
export class JobFinder {
  readonly #client: Client;
  readonly #records: JobRecordStore;
  readonly #reconciler: JobReconciler;
  /** Jobs that ran when they were last looked at, those looked at last at the end. */
  readonly #open = new Set<string>();

  constructor(client: Client, records: JobRecordStore, reconciler: JobReconciler) {
    this.#client = client;
    this.#records = records;
    this.#reconciler = reconciler;
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
    const record = (await this.#readRecord(correlationId))?.record;
    if (record !== undefined && isEndState(record.status.state)) {
      this.#open.delete(correlationId);
      return { kind: 'ended', record };
    }
    const execution = await (asking ?? this.#describe(correlationId));
    this.#note(correlationId, execution?.status.name === 'RUNNING');
    if (execution?.status.name === 'RUNNING') {
      return { kind: 'running', record, memo: memoOf(execution), execution, progress: progressOf(execution) };
    }
    // It may have closed its record since that was read.
    if (execution !== undefined) {
      const found = await this.fromExecution(correlationId, execution);
      if (found === undefined) throw new JobNotFoundError();
      return found;
    }
    const current = await this.#readRecord(correlationId);
    if (current === undefined) throw new JobNotFoundError();
    const { record: open } = current;
    if (isEndState(open.status.state)) return { kind: 'ended', record: open };
    await this.#reconciler.begin(correlationId);
    return { kind: 'lost', record: open, memo: memoOfRecord(open), endedAt: null };
  }

  #note(correlationId: string, isOpen: boolean): void {
    this.#open.delete(correlationId);
    if (!isOpen) return;
    this.#open.add(correlationId);
    const [oldest] = this.#open;
    if (this.#open.size > MOST_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }

  /**
   * The job of a workflow that Temporal has told of, whoever's it is; undefined where it ended, and its record is not
   * kept any more. Throws ServiceUnavailableError.
   */
  async fromExecution(correlationId: string, execution: Execution): Promise<FoundJob | undefined> {
    const stored = await this.#readRecord(correlationId);
    const record = stored?.record;
    if (record !== undefined && isEndState(record.status.state)) return { kind: 'ended', record };
    const memo = memoOf(execution);
    if (execution.status.name === 'RUNNING') {
      // A list does not tell of activities, as a description does.
      const described = isBulk(record) ? await this.#describe(correlationId) : undefined;
      return {
        kind: 'running',
        record,
        memo,
        execution,
        progress: described === undefined ? [] : progressOf(described),
      };
    }
    const endedAt = execution.closeTime?.getTime() ?? null;
    if (stored === undefined)
      return hasEnded(execution) ? undefined : { kind: 'lost', record: undefined, memo, endedAt };
    await this.#reconciler.begin(correlationId);
    const marked = await this.#mark(stored);
    if (isEndState(marked.status.state)) return { kind: 'ended', record: marked };
    return { kind: 'lost', record: marked, memo, endedAt };
  }

  /**
   * Keeps what is left of a job that was ended by force from writing an end, before anybody is told of that; gives the
   * record as it is then, closed where one was faster.
   */
  async #mark(found: StoredJobRecord): Promise<JobRecord> {
    for (let stored = found; ;) {
      const { record, generation } = stored;
      // Another namespace's job is for that one to judge.
      const isOurs = record.chain.namespace === this.#client.options.namespace;
      if (!isOurs || record.isLost === true || isEndState(record.status.state)) return record;
      const marked = { ...record, isLost: true };
      try {
        if ((await this.#records.replace({ record: marked, generation })) !== undefined) return marked;
      } catch (error) {
        throw new ServiceUnavailableError('storage', error);
      }
      // Gone: there is nothing left to be told otherwise.
      stored = (await this.#readRecord(record.correlationId)) ?? { ...stored, record: marked };
    }
  }

  async #readRecord(correlationId: string): Promise<StoredJobRecord | undefined> {
    try {
      return await this.#records.read(correlationId);
    } catch (error) {
      throw new ServiceUnavailableError('storage', error);
    }
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

/** A workflow that was started by hand may have no memo. */
function memoOf({ memo, startTime }: Execution): JobMemo {
  return { receivedAt: startTime.getTime(), requested: 0, ...(memo as Partial<JobMemo>) } as JobMemo;
}

function memoOfRecord({ caller, digest, status, receivedAt }: JobRecord): JobMemo {
  return { caller, digest, requested: status.counts.requested, receivedAt };
}

/** Whether a closed workflow showed its job's end, which it does only once the record is closed. */
function hasEnded({ typedSearchAttributes }: Execution): boolean {
  const state = JOB_STATES.find((known) => known === typedSearchAttributes.get(COPY_STATE));
  return state !== undefined && isEndState(state);
}
