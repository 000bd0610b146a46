import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { sweepByHandId, SWEEP_WORKFLOW } from '../contract/ids.ts';
import type { SweepCounts } from '../contract/upkeep.ts';

/** The sweep takes longer than it was to be waited for; it goes on. */
export class SweepGoesOnError extends Error {
  override readonly name = 'SweepGoesOnError';
  readonly workflowId: string;

  constructor(workflowId: string) {
    super(`the sweep goes on as workflow ${workflowId}`);
    this.workflowId = workflowId;
  }
}

/**
 * Runs a sweep on the workers of this task queue, or finds the one that was started by hand and still runs, and waits for
 * what it did; `waitMs` milliseconds at most. Throws SweepGoesOnError past that, and what Temporal's client throws.
 */
export async function runSweep(
  client: Client,
  taskQueue: string,
  { waitMs }: { waitMs: number },
): Promise<SweepCounts> {
  const workflowId = sweepByHandId(taskQueue);
  const handle = await client.workflow.start(SWEEP_WORKFLOW, {
    workflowId,
    taskQueue,
    args: [],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'remove old records, stale locks and orphaned input; started by hand',
  });
  const waiting = new AbortController();
  const overdue = delay(waitMs, undefined, { signal: waiting.signal }).then(() => {
    throw new SweepGoesOnError(workflowId);
  });
  try {
    // The client may be in the middle of a long poll, which it ends when that is answered.
    const result = client.withAbortSignal(waiting.signal, () => handle.result());
    return (await Promise.race([result, overdue])) as SweepCounts;
  } finally {
    waiting.abort();
  }
}
