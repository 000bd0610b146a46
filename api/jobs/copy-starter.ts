import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { ADMIT_UPDATE, ADMIT_UPDATE_ID, COPY_WORKFLOW } from '../../contract/ids.ts';
import type {
  AdmissionOutcome,
  CopyFilesInput,
  CopyOptions,
  FileEntry,
  JobMemo,
  JobStatus,
} from '../../contract/messages.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import type { JobRecordStore } from '../../storage/job-records.ts';
import { requestDigest } from '../request-digest.ts';
import { DEADLINES, until } from './deadlines.ts';
import { ServiceUnavailableError, type CopyAnswer, type NewJob } from './job-service.ts';
import { requestorKeyword } from './visibility-query.ts';

type CopyWorkflow = (input: CopyFilesInput) => Promise<JobStatus>;

type StartOptions = WorkflowStartOptions<CopyWorkflow> & { workflowIdConflictPolicy: 'USE_EXISTING' };

/** Starts jobs and waits for their admission; the correlation id makes a repeated request find the same job. */
export class CopyStarter {
  readonly #client: Client;
  readonly #records: JobRecordStore;
  readonly #taskQueue: string;

  constructor(client: Client, records: JobRecordStore, taskQueue: string) {
    this.#client = client;
    this.#records = records;
    this.#taskQueue = taskQueue;
  }

  /** Starts the job, or finds it, and waits the usual time for its decision. Throws ServiceUnavailableError. */
  async copy(job: NewJob): Promise<CopyAnswer> {
    const digest = requestDigest(job.request);
    const options = this.#startOptions(job, digest);
    try {
      return await this.#admission(job, digest, options, Date.now() + DEADLINES.admission);
    } catch {
      // No worker, no Temporal, or a job that ended without having been asked: what holds is found out below.
      return await this.#makeDurable(job, digest, options);
    }
  }

  /**
   * Waits until this time for the decision of a job that is durable and was not decided before. Throws
   * ServiceUnavailableError.
   */
  async decision(job: NewJob, deadline: number, signal: AbortSignal): Promise<CopyAnswer> {
    const digest = requestDigest(job.request);
    try {
      return await this.#admission(job, digest, this.#startOptions(job, digest), deadline, signal);
    } catch {
      return await this.#answerOfExisting(job, digest, Date.now() + DEADLINES.start);
    }
  }

  async #admission(job: NewJob, digest: string, options: StartOptions, deadline: number, signal?: AbortSignal) {
    const update = () =>
      this.#client.workflow.executeUpdateWithStart<CopyWorkflow, AdmissionOutcome, []>(ADMIT_UPDATE, {
        updateId: ADMIT_UPDATE_ID,
        startWorkflowOperation: new WithStartWorkflowOperation(COPY_WORKFLOW, options),
      });
    return answer(await until(this.#client, deadline, update, signal), job, digest);
  }

  /** The decision did not come. Starts the job in case that has not happened, or finds the one that is there. */
  async #makeDurable(job: NewJob, digest: string, options: StartOptions): Promise<CopyAnswer> {
    const deadline = Date.now() + DEADLINES.start;
    try {
      await until(this.#client, deadline, () =>
        this.#client.workflow.start<CopyWorkflow>(COPY_WORKFLOW, { ...options, workflowIdConflictPolicy: 'FAIL' }),
      );
      return { kind: 'undecided', requested: job.request.entries.length };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError)
        return await this.#answerOfExisting(job, digest, deadline);
      throw new ServiceUnavailableError('temporal', error);
    }
  }

  /** The workflow is there: running and undecided, or ended without a stored answer to this update. */
  async #answerOfExisting(job: NewJob, digest: string, deadline: number): Promise<CopyAnswer> {
    const description = await this.#client
      .withDeadline(deadline, () => this.#client.workflow.getHandle(job.correlationId).describe())
      .catch((error: unknown) => {
        throw new ServiceUnavailableError('temporal', error);
      });
    const memo = description.memo as unknown as JobMemo;
    if (description.status.name === 'RUNNING') {
      const isSame = memo.caller === job.requestor.caller && memo.digest === digest;
      return isSame ? { kind: 'undecided', requested: job.request.entries.length } : { kind: 'conflict' };
    }
    const stored = await this.#records.read(job.correlationId).catch((error: unknown) => {
      throw new ServiceUnavailableError('storage', error);
    });
    // Ended by force before it had claimed its id: nothing was decided and nothing ever will be.
    if (stored === undefined) return { kind: 'conflict' };
    const { caller, digest: storedDigest, status, admission } = stored.record;
    const outcome: AdmissionOutcome = {
      caller,
      digest: storedDigest,
      requested: status.counts.requested,
      admission: admission ?? { decision: 'accepted' },
    };
    return answer(outcome, job, digest);
  }

  #startOptions({ correlationId, requestor, request, receivedAt }: NewJob, digest: string): StartOptions {
    const requested = request.entries.length;
    const memo: JobMemo = { caller: requestor.caller, digest, requested, receivedAt };
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
      staticSummary: summaryOf(request.entries),
      staticDetails: detailsOf(requestor.caller, request.options),
      ...(request.options.priority !== undefined && { priority: { priorityKey: request.options.priority } }),
    };
  }
}

function answer(outcome: AdmissionOutcome, { requestor }: NewJob, digest: string): CopyAnswer {
  if (outcome.caller !== requestor.caller || outcome.digest !== digest) return { kind: 'conflict' };
  return { kind: 'decided', requested: outcome.requested, admission: outcome.admission };
}

/** What is copied, in one line for Temporal's Web UI: every pair of collections with its number of files. */
function summaryOf(entries: readonly FileEntry[]): string {
  const pairs = Map.groupBy(entries, (entry) => `${entry.sourceCollectionId} → ${entry.destinationCollectionId}`);
  const [first = '', ...rest] = Array.from(
    pairs,
    ([pair, { length }]) => `${length} file${length === 1 ? '' : 's'} ${pair}`,
  );
  const more = rest.length === 0 ? '' : `, and ${rest.length} more pair${rest.length === 1 ? '' : 's'} of collections`;
  return `${shorten(first, 120)}${more}`;
}

/** Who asked, and with which options. */
function detailsOf(caller: string, options: CopyOptions): string {
  const chosen = Object.entries(options).map(([name, value]) => `${name}: ${String(value)}`);
  return [`Requested by ${caller}`, ...chosen].join('; ');
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
