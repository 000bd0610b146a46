import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { CopyStarter } from './copy-starter.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { emptyCounts, isEndState } from '../../contract/states.ts';
import { DEADLINES, until } from './deadlines.ts';
import type { JobFinder } from './job-finder.ts';
import type { CopyAnswer, NewJob, Patience } from './job-service.ts';
import type { JobViews } from './job-views.ts';
import type { UnusedInputs } from './unused-inputs.ts';

/** Requests that wait for a job's end at a time; each holds a long poll of Temporal. Others are answered as usual. */
const MAX_WAITING = 1_000;

/** The least time for a decision, however short the wait: most jobs are decided in less. */
const LEAST_ADMISSION_MS = 500;

/** How long before the end of a wait it is tried whether a worker answers: as long as that may take, and a little. */
const LAST_LOOK_MS = DEADLINES.query + 300;

/** How long after the end of a wait the answer is out, whether or not the job's status could be had. */
const GRACE_MS = 800;

/** Starts jobs for callers who may want to wait for the end. */
export class JobWaiter {
  readonly #client: Client;
  readonly #starter: CopyStarter;
  readonly #finder: JobFinder;
  readonly #views: JobViews;
  readonly #unusedInputs: UnusedInputs;
  #waiting = 0;

  constructor(deps: {
    client: Client;
    starter: CopyStarter;
    finder: JobFinder;
    views: JobViews;
    unusedInputs: UnusedInputs;
  }) {
    this.#client = deps.client;
    this.#starter = deps.starter;
    this.#finder = deps.finder;
    this.#views = deps.views;
    this.#unusedInputs = deps.unusedInputs;
  }

  /** The job's decision and, where there is patience, how it stands when it ends or patience does. */
  async copy(job: NewJob, patience?: Patience): Promise<CopyAnswer> {
    const answer = await this.#copy(job, patience);
    // The answer does not wait for that.
    this.#unusedInputs.tidy(job, answer).catch(() => undefined);
    return answer;
  }

  async #copy(job: NewJob, patience: Patience | undefined): Promise<CopyAnswer> {
    if (patience === undefined || this.#waiting >= MAX_WAITING) return await this.#starter.copy(job);
    this.#waiting += 1;
    try {
      return await this.#copyAndWait(job, Date.now() + patience.forMs, patience.signal);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #copyAndWait(job: NewJob, deadline: number, signal: AbortSignal): Promise<CopyAnswer> {
    // A worker that does not answer is found out before the time is over, so that the last look need not wait for it.
    const rehearsal = setTimeout(
      () => {
        this.#lookAt(job).catch(() => undefined);
      },
      Math.max(0, deadline - Date.now() - LAST_LOOK_MS),
    );
    try {
      const answer = await this.#decisionAndEnd(job, deadline, signal);
      if (answer.kind === 'conflict' || answer.kind === 'abandoned' || isRefused(answer)) return answer;
      const overdue = Math.max(deadline, Date.now()) + GRACE_MS;
      // What is known without is an answer too: the job is durable.
      const looking = this.#lookAt(job).catch(() => undefined);
      const look = await (signal.aborted ? looking : byDeadline(looking, overdue));
      // It was decided since it was asked.
      if (answer.kind === 'undecided' && look !== undefined && isEndState(look.status.state)) {
        const decided = await this.#starter.copy(job, LEAST_ADMISSION_MS);
        if (decided.kind !== 'decided' || isRefused(decided)) return decided;
        return { ...decided, job: look.status };
      }
      const known = look?.status ?? (answer.kind === 'undecided' ? undecidedStatus(job, answer.requested) : undefined);
      const requested = answer.requested ?? look?.requested ?? null;
      return { ...answer, requested, ...(known !== undefined && { job: known }) };
    } finally {
      clearTimeout(rehearsal);
    }
  }

  async #decisionAndEnd(job: NewJob, deadline: number, signal: AbortSignal): Promise<CopyAnswer> {
    const admissionMs = Math.max(LEAST_ADMISSION_MS, Math.min(DEADLINES.admission, deadline - Date.now()));
    let answer = await this.#starter.copy(job, admissionMs);
    if (answer.kind === 'undecided' && Date.now() < deadline) {
      answer = await this.#starter.decision(job, deadline, signal);
    }
    if (answer.kind === 'decided' && !isRefused(answer)) await this.#ended(job.correlationId, deadline, signal);
    return answer;
  }

  async #lookAt({ correlationId, requestor }: NewJob): Promise<{ status: JobStatus; requested: number | null }> {
    const found = await this.#finder.find(correlationId, { caller: requestor.caller, isAdmin: false });
    return await this.#views.count(correlationId, found);
  }

  /** Resolves when the workflow is closed, by Temporal's long poll, and when nobody waits for that any more. */
  async #ended(correlationId: string, deadline: number, signal: AbortSignal): Promise<void> {
    if (Date.now() >= deadline) return;
    try {
      await until(this.#client, deadline, () => this.#client.workflow.getHandle(correlationId).result(), signal);
    } catch {
      // However it ended, if it did, is for the job's status to say; a job that Temporal has forgotten has ended.
    }
  }
}

function isRefused(answer: CopyAnswer): boolean {
  return answer.kind === 'decided' && answer.admission.decision !== 'accepted';
}

/** How a job stands that nobody has decided about. */
function undecidedStatus({ correlationId, receivedAt }: NewJob, requested: number | null): JobStatus {
  const counts = emptyCounts(requested ?? 0);
  return { correlationId, state: 'Requested', counts, startedAt: receivedAt, endedAt: null, message: '' };
}

/** What a promise gives, or undefined once this time (milliseconds since the epoch) has come. */
async function byDeadline<T>(promise: Promise<T>, deadline: number): Promise<T | undefined> {
  const over = new AbortController();
  const timeout = delay(deadline - Date.now(), undefined, { signal: over.signal });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    over.abort();
  }
}
