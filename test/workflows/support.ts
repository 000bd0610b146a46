import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
  type WorkflowStartOptions,
} from '@temporalio/client';
import {
  ADMIT_UPDATE,
  ADMIT_UPDATE_ID,
  CANCEL_SIGNAL,
  COPY_WORKFLOW,
  FILES_QUERY,
  STATUS_QUERY,
} from '../../contract/ids.ts';
import type {
  AdmissionOutcome,
  CopyFilesInput,
  CopyRequest,
  FilesPage,
  FilesQuery,
  JobStatus,
  LiveStatus,
} from '../../contract/messages.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import type { copyFiles } from '../../workflows/index.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { replayExecution, withWorker, type TestWorker, type TestWorkerOptions } from '../support/temporal-worker.ts';
import type { Replaced } from './replaced-activities.ts';

type CopyWorkflow = typeof copyFiles;

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** When requests are received, in milliseconds since the epoch. */
export const RECEIVED_AT = Date.parse('2026-01-02T03:04:05Z');

/** A request of `alice` for these files, from collection `from` to collection `to`. */
export function requestFor(...fileNames: string[]): CopyFilesInput {
  return {
    requestor: { caller: 'alice', principals: ['alice'] },
    digest: 'd'.repeat(64),
    request: {
      entries: fileNames.map((fileName) => ({
        sourceCollectionId: 'from',
        destinationCollectionId: 'to',
        fileName,
        destinationFileName: fileName,
      })),
      options: { overwrite: 'always' },
    },
    receivedAt: RECEIVED_AT,
  };
}

/** `count` names in their order. */
export function fileNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `file-${String(index).padStart(4, '0')}`);
}

/** A copy job under test. */
export class Job {
  readonly id: string;
  readonly handle: WorkflowHandleWithFirstExecutionRunId<CopyWorkflow>;

  constructor(handle: WorkflowHandleWithFirstExecutionRunId<CopyWorkflow>) {
    this.id = handle.workflowId;
    this.handle = handle;
  }

  /** The admission's outcome, asked for as the API asks, under the one update id. */
  async admitted(): Promise<AdmissionOutcome> {
    return await this.handle.executeUpdate<AdmissionOutcome, []>(ADMIT_UPDATE, { updateId: ADMIT_UPDATE_ID });
  }

  /** Asks for the admission, as above; once this returns the workflow has been asked, and gives its answer when there is one. */
  async ask(): Promise<{ admitted: () => Promise<AdmissionOutcome> }> {
    const options = { updateId: ADMIT_UPDATE_ID, waitForStage: 'ACCEPTED' } as const;
    const update = await this.handle.startUpdate<AdmissionOutcome, []>(ADMIT_UPDATE, options);
    return { admitted: () => update.result() };
  }

  async status(): Promise<LiveStatus> {
    return await this.handle.query<LiveStatus>(STATUS_QUERY);
  }

  async files(query: Partial<FilesQuery> = {}): Promise<FilesPage> {
    return await this.handle.query<FilesPage, [FilesQuery]>(FILES_QUERY, { from: 0, limit: 100, ...query });
  }

  /** How each file stands, by name. */
  async states(): Promise<Record<string, string>> {
    const { files } = await this.files({ limit: 1_000 });
    return Object.fromEntries(files.map(({ fileName, state }) => [fileName, state]));
  }

  /** The history of its first run. */
  async events(): Promise<HistoryEvents> {
    return (await this.handle.fetchHistory()).events ?? [];
  }

  async cancel(): Promise<void> {
    await this.handle.signal(CANCEL_SIGNAL);
  }

  /** What the workflow returned; throws what it failed with. */
  async result(): Promise<JobStatus> {
    return await this.handle.result();
  }
}

/** Starts jobs on one task queue. */
export class Jobs {
  readonly worker: TestWorker;
  readonly started: Job[] = [];

  constructor(worker: TestWorker) {
    this.worker = worker;
  }

  /** Starts a job without asking for its admission. */
  async start(input: CopyFilesInput<CopyRequest>, { id }: { id?: string } = {}): Promise<Job> {
    const { client } = await sharedTemporal();
    const options = this.#options(input, id);
    const handle = await client.workflow.start<CopyWorkflow>(COPY_WORKFLOW, options);
    return this.#keep(handle);
  }

  /**
   * Starts a job and waits for its admission in one call, as the API does; `id` again finds the same job.
   * `taskTimeoutMs`: within that time a query is answered, though a local activity be under way; default: 10 s.
   */
  async admit(
    input: CopyFilesInput<CopyRequest>,
    { id, taskTimeoutMs }: { id?: string; taskTimeoutMs?: number } = {},
  ): Promise<{ job: Job; outcome: AdmissionOutcome }> {
    const { client } = await sharedTemporal();
    const startWorkflowOperation = new WithStartWorkflowOperation<CopyWorkflow>(COPY_WORKFLOW, {
      ...this.#options(input, id),
      ...(taskTimeoutMs !== undefined && { workflowTaskTimeout: taskTimeoutMs }),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    const outcome = await client.workflow.executeUpdateWithStart<CopyWorkflow, AdmissionOutcome, []>(ADMIT_UPDATE, {
      updateId: ADMIT_UPDATE_ID,
      startWorkflowOperation,
    });
    const handle = await startWorkflowOperation.workflowHandle();
    return { job: this.#keep(handle as WorkflowHandleWithFirstExecutionRunId<CopyWorkflow>), outcome };
  }

  /** Starts a workflow that is no job. */
  async other(type: string, options: WorkflowStartOptions): Promise<{ id: string; handle: WorkflowHandle }> {
    const { client } = await sharedTemporal();
    const handle = await client.workflow.start(type, options);
    return { id: handle.workflowId, handle };
  }

  #options(input: CopyFilesInput<CopyRequest>, workflowId: string = randomUUID()) {
    return {
      workflowId,
      taskQueue: this.worker.taskQueue,
      args: [input] as [CopyFilesInput<CopyRequest>],
      workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
      typedSearchAttributes: [
        { key: COPY_REQUESTOR, value: input.requestor.caller },
        { key: COPY_STATE, value: 'Requested' },
      ],
      staticSummary: 'entries' in input.request ? `${input.request.entries.length} files from → to` : 'from → to',
    };
  }

  #keep(handle: WorkflowHandleWithFirstExecutionRunId<CopyWorkflow>): Job {
    const job = new Job(handle);
    this.started.push(job);
    return job;
  }
}

/**
 * Runs `use` beside a worker with replaced activities. Every execution it started is replayed then, so that no test
 * passes with a workflow that is not deterministic; one that is still open is terminated.
 */
export async function withJobs<T>(
  { activities }: Replaced,
  use: (jobs: Jobs) => Promise<T>,
  options: TestWorkerOptions = {},
): Promise<T> {
  const started: Job[] = [];
  const result = await withWorker(
    activities,
    async (worker) => {
      const jobs = new Jobs(worker);
      try {
        return await use(jobs);
      } finally {
        started.push(...jobs.started);
        await Promise.all(started.map(terminateIfOpen));
      }
    },
    options,
  );
  for (const id of new Set(started.map((job) => job.id))) await replayExecution(id);
  return result;
}

async function terminateIfOpen({ handle }: Job): Promise<void> {
  const { status } = await handle.describe();
  if (status.name !== 'RUNNING') return;
  await handle.terminate('left open by a test').catch((error: unknown) => {
    // It may have ended by itself in between.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
}

/** Asserts that these lines are in the story, in this order. */
export function assertInOrder(story: readonly string[], ...lines: string[]): void {
  const positions = lines.map((line) => story.indexOf(line));
  assert.ok(!positions.includes(-1), `${lines[positions.indexOf(-1)] ?? ''} is not in: ${story.join(', ')}`);
  assert.deepEqual(
    positions,
    positions.toSorted((one, other) => one - other),
    `${lines.join(' → ')} is not the order of: ${story.join(', ')}`,
  );
}

/** Waits until `check` gives something other than false or undefined. */
export async function eventually<T>(check: () => Promise<T> | T, timeoutMs = 10_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${check.toString()}`);
    await delay(20);
  }
}
