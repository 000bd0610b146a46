import { continueAsNew, setCurrentDetails } from '@temporalio/workflow';
import { addSweepCounts, noSweepCounts, type SweepCounts, type SweepState } from '../contract/upkeep.ts';
import { SWEEP_STEPS, upkeep } from './upkeep-options.ts';

/**
 * Goes through all jobs, then all locks, a page at a time: removes what is not needed any more, and has those jobs
 * settled that were ended by force. Gives what it did. Only one of these is to run at a time, though more do no harm.
 */
export async function sweep(state?: SweepState): Promise<SweepCounts> {
  let { counts, at }: SweepState = state ?? { counts: noSweepCounts(), at: { part: 'jobs', after: null } };
  for (let step = 0; step < SWEEP_STEPS; step++) {
    const task = { after: at.after };
    const done =
      at.part === 'jobs' ? await upkeep('sweep jobs').sweepJobs(task) : await upkeep('sweep locks').sweepLocks(task);
    counts = addSweepCounts(counts, done.counts);
    showCounts(counts);
    if (done.after !== null) at = { ...at, after: done.after };
    else if (at.part === 'jobs') at = { part: 'locks', after: null };
    else return counts;
  }
  return await continueAsNew<typeof sweep>({ counts, at });
}

function showCounts({ jobs, expired, orphaned, lost, locks, stale }: SweepCounts): void {
  const rows = [
    ['jobs looked at', jobs],
    ['records older than the retention, deleted', expired],
    ['folders without a record, deleted', orphaned],
    ['jobs ended by force, being settled', lost],
    ['locks looked at', locks],
    ['stale locks, removed', stale],
  ];
  setCurrentDetails(['| | |', '| --- | ---: |', ...rows.map(([name, count]) => `| ${name} | ${count} |`)].join('\n'));
}
