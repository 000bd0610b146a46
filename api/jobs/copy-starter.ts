import { createHash } from 'node:crypto';
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { ADMIT_UPDATE, ADMIT_UPDATE_ID, COPY_WORKFLOW } from '../../contract/ids.ts';
import type { AdmissionOutcome, CopyFilesInput, CopyRequest, JobMemo, JobStatus } from '../../contract/messages.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import { requestedBy, type JobRecordStore } from '../../storage/job-records.ts';
import { DEFAULT_OPTIONS } from '../schemas/copy-options.ts';
import { DEADLINES, until } from './deadlines.ts';
import { fromStorage } from './from-storage.ts';
import { memoOf } from './job-memo.ts';
import { detailsOf, requestedFiles, summaryOf } from './job-text.ts';
import { ServiceUnavailableError, type CopyAnswer, type NewJob } from './job-service.ts';
import { storedInput } from './unused-inputs.ts';
import { requestorKeyword } from './visibility-query.ts';

type CopyWorkflow = (input: CopyFilesInput<CopyRequest>) => Promise<JobStatus>;

type StartOptions = WorkflowStartOptions<CopyWorkflow> & { workflowIdConflictPolicy: 'USE_EXISTING' };

/** So much of the time until an answer the reading of a long body may take up, in milliseconds: a slow one takes minutes. */
const MOST_READING_MS = 2_000;

/** Starts jobs and waits for their admission; the correlation id makes a repeated request find the same job. */
export class CopyStarter {
  readonly #client: Client;
  readonly #records: JobRecordStore;
  readonly #taskQueue: string;
  readonly #log: Logger;

  constructor(deps: { client: Client; records: JobRecordStore; taskQueue: string; log: Logger }) {
    this.#client = deps.client;
    this.#records = deps.records;
    this.#taskQueue = deps.taskQueue;
    this.#log = deps.log;
  }

  /**
   * Starts the job, or finds it, and waits for its decision, the usual time or the one given (in milliseconds). Throws
   * ServiceUnavailableError.
   */
  async copy(job: NewJob, admissionMs?: number): Promise<CopyAnswer> {
    const options = this.#startOptions(job);
    // The caller has been waiting since before the body was read.
    const begunAt = Math.max(job.receivedAt, Date.now() - MOST_READING_MS);
    const deadline = admissionMs === undefined ? begunAt + DEADLINES.admission : Date.now() + admissionMs;
    try {
      return await this.#admission(job, options, deadline);
    } catch (error) {
      // No worker, no Temporal, or a job that ended without having been asked: what holds is found out below.
      this.#log.info({ err: error, correlationId: job.correlationId }, 'no decision by now');
      const durableBy = Math.max(deadline, begunAt + DEADLINES.admission) + DEADLINES.start;
      return await this.#makeDurable(job, options, durableBy);
    }
  }

  /**
   * Waits until this time for the decision of a job that is durable and was not decided before. Throws
   * ServiceUnavailableError.
   */
  async decision(job: NewJob, deadline: number, signal: AbortSignal): Promise<CopyAnswer> {
    try {
      return await this.#admission(job, this.#startOptions(job), deadline, signal);
    } catch (error) {
      this.#log.debug({ err: error, correlationId: job.correlationId }, 'no decision until the end of the wait');
      return await this.#answerOfExisting(job, Date.now() + DEADLINES.start);
    }
  }

  async #admission(job: NewJob, options: StartOptions, deadline: number, signal?: AbortSignal) {
    const update = () =>
      this.#client.workflow.executeUpdateWithStart<CopyWorkflow, AdmissionOutcome, []>(ADMIT_UPDATE, {
        updateId: ADMIT_UPDATE_ID,
        startWorkflowOperation: new WithStartWorkflowOperation(COPY_WORKFLOW, options),
      });
    return answer(await until(this.#client, deadline, update, signal), job);
  }

  /** The decision did not come. Starts the job in case that has not happened, or finds the one that is there. */
  async #makeDurable(job: NewJob, options: StartOptions, deadline: number): Promise<CopyAnswer> {
    try {
      await until(this.#client, deadline, () =>
        this.#client.workflow.start<CopyWorkflow>(COPY_WORKFLOW, { ...options, workflowIdConflictPolicy: 'FAIL' }),
      );
      return { kind: 'undecided', requested: requestedFiles(job.request) };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return await this.#answerOfExisting(job, deadline);
      throw new ServiceUnavailableError('temporal', error);
    }
  }

  /** The workflow is there: running and undecided, or ended, with a stored answer to this update or without. */
  async #answerOfExisting(job: NewJob, deadline: number): Promise<CopyAnswer> {
    const description = await this.#client
      .withDeadline(deadline, () => this.#client.workflow.getHandle(job.correlationId).describe())
      .catch((error: unknown) => {
        throw new ServiceUnavailableError('temporal', error);
      });
    const memo = memoOf(description);
    if (description.status.name === 'RUNNING') {
      const isSame = memo.caller === job.requestor.caller && memo.digest === job.digest;
      return isSame ? { kind: 'undecided', requested: requestedFiles(job.request) } : { kind: 'conflict' };
    }
    // It may have answered as the time was over.
    const outcome = await this.#storedOutcome(job.correlationId, deadline);
    if (outcome !== undefined) return answer(outcome, job);
    const stored = await fromStorage(this.#records.read(job.correlationId));
    const { caller, digest } = stored?.record ?? memo;
    if (caller !== job.requestor.caller || digest !== job.digest) return { kind: 'conflict' };
    // The record has the decision once it is closed; a job that was ended by force before that had begun if it was accepted.
    const state = description.typedSearchAttributes.get(COPY_STATE);
    const hasBegun = state === 'Processing' || state === 'Paused';
    const admission = stored?.record.admission ?? (hasBegun ? ({ decision: 'accepted' } as const) : undefined);
    if (admission === undefined) return { kind: 'abandoned' };
    const requested = stored === undefined ? memo.requested : requestedBy(stored.record);
    return { kind: 'decided', requested, admission };
  }

  /** The decision that a workflow which has ended had told; undefined where it was ended before. */
  async #storedOutcome(correlationId: string, deadline: number): Promise<AdmissionOutcome | undefined> {
    const update = this.#client.workflow.getHandle(correlationId).getUpdateHandle<AdmissionOutcome>(ADMIT_UPDATE_ID);
    try {
      return await until(this.#client, deadline, () => update.result());
    } catch (error) {
      const isNone = error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError;
      if (isNone) return undefined;
      throw new ServiceUnavailableError('temporal', error);
    }
  }

  #startOptions({ correlationId, requestor, request, digest, receivedAt }: NewJob): StartOptions {
    const requested = requestedFiles(request) ?? 0;
    const input = storedInput(request)?.object;
    const memo: JobMemo = {
      ...{ caller: requestor.caller, digest, requested, receivedAt },
      ...(input !== undefined && { input }),
    };
    return {
      workflowId: correlationId,
      taskQueue: this.#taskQueue,
      args: [{ requestor, digest, request, receivedAt }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { ...memo },
      typedSearchAttributes: [
        { key: COPY_REQUESTOR, value: requestorKeyword(requestor.caller) },
        { key: COPY_STATE, value: 'Requested' },
      ],
      staticSummary: summaryOf(request),
      staticDetails: detailsOf(requestor.caller, request.options),
      // Where many wait, callers take turns: one with a thousand jobs keeps none of the others waiting.
      priority: {
        priorityKey: request.options.priority ?? DEFAULT_OPTIONS.priority,
        fairnessKey: fairnessKey(requestor.caller),
      },
    };
  }
}

function answer(outcome: AdmissionOutcome, { requestor, digest }: NewJob): CopyAnswer {
  const { admission, requested } = outcome;
  if (outcome.caller !== requestor.caller || outcome.digest !== digest) return { kind: 'conflict' };
  return admission === null ? { kind: 'abandoned' } : { kind: 'decided', requested, admission };
}

/** One for each caller; Temporal takes no more than 64 bytes (docs.temporal.io/develop/task-queue-priority-fairness). */
function fairnessKey(caller: string): string {
  return createHash('sha256').update(caller).digest('base64url');
}
