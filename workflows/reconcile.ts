import { setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { Activities, ChunkSettlement, Settlement } from '../activities/index.ts';
import { LATE_WRITES_MS, type ReconcileInput, type Reconciliation } from '../contract/upkeep.ts';
import { upkeep } from './upkeep-options.ts';
import { countOf } from './visibility.ts';

/**
 * Settles a job whose workflow was terminated, timed out or deleted, and so did not live to say how it ended: takes its
 * locks away from what is left of it, looks at the destinations of the files that have no result, gives the locks back
 * and closes the record as `Terminated`. Of a job that needs none of that, nothing is changed.
 */
export async function reconcile({ correlationId }: ReconcileInput): Promise<Reconciliation> {
  for (;;) {
    const fenced = await upkeep('see that nothing of the job can write any more').fenceJob({ correlationId });
    if (fenced.found === 'young') {
      await sleep(fenced.forMs);
      continue;
    }
    if (fenced.found !== 'lost') return fenced.found;
    const { endedAt, wasBegun, locks, isBulk } = fenced;
    if (wasBegun) await sleep(LATE_WRITES_MS);
    // Whoever takes a lock over has had this begun before. What a worker had still sent then came under that lock.
    const lostAt = Math.max(endedAt ?? 0, workflowInfo().startTime.getTime());
    const settling = { correlationId, wasBegun, lostAt, endedAt };
    const { unresolved, copied } = isBulk ? await settleBulk(settling) : await upkeep(LOOK).settleFiles(settling);
    await upkeep(`give back ${countOf(locks, 'lock')}`).releaseJobLocks({ correlationId });
    const closing = { correlationId, endedAt, wasAccepted: wasBegun || copied > 0 };
    await upkeep('close the record: Terminated').closeLostJob(closing);
    setCurrentDetails(`${countOf(unresolved, 'file')} had no result; ${copied} of them had been copied.`);
    return 'reconciled';
  }
}

const LOOK = 'look at the destinations of the files without a result';

async function settleBulk(job: Omit<Parameters<Activities['settleChunks']>[0], 'from'>): Promise<Settlement> {
  const total = { unresolved: 0, copied: 0 };
  for (let from: number | null = 0; from !== null;) {
    const { unresolved, copied, next }: ChunkSettlement = await upkeep(LOOK).settleChunks({ ...job, from });
    total.unresolved += unresolved;
    total.copied += copied;
    from = next;
  }
  return total;
}
