import type { Client } from '@temporalio/client';
import type { Logger } from '../../config/logger.ts';
import { RECONCILE_WORKFLOW } from '../../contract/ids.ts';
import { reconcileOptions } from '../../contract/upkeep.ts';
import { DEADLINES, within } from './deadlines.ts';

/** Has jobs settled that were ended by force. */
export class JobReconciler {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #log: Logger;

  constructor(deps: { client: Client; taskQueue: string; log: Logger }) {
    this.#client = deps.client;
    this.#taskQueue = deps.taskQueue;
    this.#log = deps.log;
  }

  /** Sees that the job's reconciliation is under way. Where that cannot be had now, the next look at the job tries again. */
  async begin(correlationId: string): Promise<void> {
    const options = reconcileOptions(correlationId, this.#taskQueue);
    try {
      await within(this.#client, DEADLINES.start, () => this.#client.workflow.start(RECONCILE_WORKFLOW, options));
    } catch (error) {
      this.#log.warn({ err: error, correlationId }, 'cannot have a job settled now that was ended by force');
    }
  }
}
