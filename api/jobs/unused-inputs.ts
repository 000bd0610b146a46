import type { Client } from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { storedListOf, type CopyRequest } from '../../contract/messages.ts';
import type { JobInputStore, StoredInput } from '../../storage/job-inputs.ts';
import { DEADLINES, within } from './deadlines.ts';
import { memoOf } from './job-memo.ts';
import type { CopyAnswer, NewJob } from './job-service.ts';

/** The object that a request's list is stored in, where it is. */
export function storedInput(request: CopyRequest): StoredInput | undefined {
  return 'bulk' in request ? storedListOf(request.bulk) : undefined;
}

/** Deletes the inputs that were stored for requests which turned out to need none. */
export class UnusedInputs {
  readonly #client: Client;
  readonly #inputs: JobInputStore;
  readonly #log: Logger;

  constructor(deps: { client: Client; inputs: JobInputStore; log: Logger }) {
    this.#client = deps.client;
    this.#inputs = deps.inputs;
    this.#log = deps.log;
  }

  /**
   * Deletes the input of a request that found a job there already, or was refused. As well as it can: what is left is
   * swept later. Never throws.
   */
  async tidy(job: NewJob, answer: CopyAnswer): Promise<void> {
    const input = storedInput(job.request);
    if (input === undefined) return;
    try {
      if (await this.#isNeeded(job.correlationId, input, answer)) return;
      await this.#inputs.remove(input);
    } catch (error) {
      this.#log.warn({ err: error, correlationId: job.correlationId }, 'an input that no job needs was left behind');
    }
  }

  /**
   * A job that is not refused needs its own input; it says in its memo which one that is. So does one that was ended by
   * force before it was decided: its retry has the list from there.
   */
  async #isNeeded(correlationId: string, input: StoredInput, answer: CopyAnswer): Promise<boolean> {
    if (answer.kind === 'conflict') return false;
    if (answer.kind === 'decided' && answer.admission.decision !== 'accepted') return false;
    const description = await within(this.#client, DEADLINES.describe, () =>
      this.#client.workflow.getHandle(correlationId).describe(),
    );
    return memoOf(description).input === input.object;
  }
}
