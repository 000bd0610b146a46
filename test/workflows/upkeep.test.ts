import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { RECONCILE_WORKFLOW, SWEEP_WORKFLOW } from '../../contract/ids.ts';
import { LOOK_VALID_MS, noSweepCounts, reconcileOptions, type SweepCounts } from '../../contract/upkeep.ts';
import type { reconcile, sweep } from '../../workflows/index.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { replayExecution, withWorker } from '../support/temporal-worker.ts';
import { failed, gate, replaceActivities, type Replaced } from './replaced-activities.ts';

/** Settles a job as whoever notices it does, and gives how that ended. Its history is replayed then. */
async function reconciled({ activities }: Replaced, correlationId: string = randomUUID()) {
  const { client } = await sharedTemporal();
  return await withWorker(activities, async ({ taskQueue }) => {
    const options = reconcileOptions(correlationId, taskQueue);
    const handle = await client.workflow.start<typeof reconcile>(RECONCILE_WORKFLOW, options);
    const end = await handle.result();
    await replayExecution(options.workflowId);
    return end;
  });
}

describe('reconcile', () => {
  it('fences the job, looks for its files, gives its locks back, then makes its end visible', async () => {
    const correlationId = randomUUID();
    const replaced = replaceActivities();
    assert.equal(await reconciled(replaced, correlationId), 'reconciled');
    const steps = ['fenceJob', 'settleFiles', 'releaseJobLocks', 'closeLostJob'];
    assert.deepEqual(
      replaced.story,
      steps.flatMap((step) => [`begin ${step}`, `end ${step}`]),
    );
    const [settling, ...more] = replaced.tasksOf('settleFiles');
    const endedAt = 1_700_000_000_000;
    assert.deepEqual({ ...settling, lostAt: 0 }, { correlationId, wasBegun: true, lostAt: 0, endedAt });
    assert.deepEqual(more, []);
    // Nobody has taken a lock over before this began, however long the job had been ended.
    assert.ok((settling?.lostAt ?? 0) > Date.now() - 60_000, JSON.stringify(settling));
    assert.deepEqual(replaced.tasksOf('closeLostJob'), [{ correlationId, endedAt, wasAccepted: true }]);
  });

  it('looks for files once nobody goes by a look at the locks that he had before', async () => {
    let fencedAt = 0;
    let settledAt = 0;
    const replaced = replaceActivities({
      fenceJob: () => {
        fencedAt = performance.now();
        return Promise.resolve({ found: 'lost', endedAt: null, wasBegun: true, locks: 1, isBulk: false });
      },
      settleFiles: () => {
        settledAt = performance.now();
        return Promise.resolve({ unresolved: 1, copied: 0 });
      },
    });
    assert.equal(await reconciled(replaced), 'reconciled');
    assert.ok(settledAt - fencedAt > LOOK_VALID_MS, `${settledAt - fencedAt} ms`);
  });

  it('changes nothing about a job that runs, or has been settled', async () => {
    for (const found of ['running', 'settled'] as const) {
      const replaced = replaceActivities({ fenceJob: () => Promise.resolve({ found }) });
      assert.equal(await reconciled(replaced), found);
      assert.deepEqual(replaced.story, ['begin fenceJob', 'end fenceJob']);
    }
  });

  it('asks again where Temporal may be behind', async () => {
    let asked = 0;
    const replaced = replaceActivities({
      fenceJob: () =>
        Promise.resolve(
          ++asked === 1
            ? { found: 'young', forMs: 10 }
            : { found: 'lost', endedAt: null, wasBegun: false, locks: 0, isBulk: false },
        ),
    });
    assert.equal(await reconciled(replaced), 'reconciled');
    assert.equal(asked, 2);
  });

  it('goes on where storage has failed for a while', async () => {
    let tries = 0;
    const replaced = replaceActivities({
      settleFiles: () =>
        ++tries < 3
          ? Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer'))
          : Promise.resolve({ unresolved: 1, copied: 0 }),
    });
    assert.equal(await reconciled(replaced), 'reconciled');
    assert.equal(tries, 3);
  });

  it('is one for all who notice, and may be started again when it has ended', async () => {
    const { client } = await sharedTemporal();
    const { passed, open } = gate();
    const replaced = replaceActivities({ fenceJob: () => passed.then(() => ({ found: 'settled' })) });
    await withWorker(replaced.activities, async ({ taskQueue }) => {
      const options = reconcileOptions(randomUUID(), taskQueue);
      const start = () => client.workflow.start<typeof reconcile>(RECONCILE_WORKFLOW, options);
      const handles = [await start(), await start()];
      open();
      await Promise.all(handles.map((handle) => handle.result()));
      assert.equal(replaced.tasksOf('fenceJob').length, 1);
      const again = await start();
      await again.terminate('by a test');
      const last = await start();
      assert.equal(await last.result(), 'settled');
    });
  });
});

describe('sweep', () => {
  function counts(changes: Partial<SweepCounts>): SweepCounts {
    return { ...noSweepCounts(), ...changes };
  }

  async function swept({ activities }: Replaced): Promise<{ counts: SweepCounts; runs: number }> {
    const { client } = await sharedTemporal();
    return await withWorker(activities, async ({ taskQueue }) => {
      const workflowId = randomUUID();
      const options = { workflowId, taskQueue, args: [] as [] };
      const handle = await client.workflow.start<typeof sweep>(SWEEP_WORKFLOW, options);
      const result = await handle.result();
      await replayExecution(workflowId);
      let runs = 0;
      for (let runId: string | null | undefined = handle.firstExecutionRunId; runId; runs += 1) {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      }
      return { counts: result, runs };
    });
  }

  it('goes through all jobs, then all locks, a page at a time, and adds up what was done', async () => {
    const pages = { jobs: [null, 'b', 'd'], locks: [null, 'x'] };
    const stepOf = (part: keyof typeof pages, after: string | null, done: Partial<SweepCounts>) =>
      Promise.resolve({ counts: counts(done), after: pages[part][pages[part].indexOf(after) + 1] ?? null });
    const replaced = replaceActivities({
      sweepJobs: ({ after }) => stepOf('jobs', after, { jobs: 2, expired: 1 }),
      sweepLocks: ({ after }) => stepOf('locks', after, { locks: 5, stale: 3 }),
    });
    const { counts: result } = await swept(replaced);
    assert.deepEqual(result, counts({ jobs: 6, expired: 3, locks: 10, stale: 6 }));
    assert.deepEqual(
      replaced.tasksOf('sweepJobs').map(({ after }) => after),
      pages.jobs,
    );
    assert.deepEqual(
      replaced.tasksOf('sweepLocks').map(({ after }) => after),
      pages.locks,
    );
  });

  it('goes on in a new run before its history becomes long', async () => {
    let pages = 0;
    const replaced = replaceActivities({
      sweepJobs: () => {
        pages += 1;
        return Promise.resolve({ counts: counts({ jobs: 1 }), after: pages < 130 ? String(pages) : null });
      },
    });
    const { counts: result, runs } = await swept(replaced);
    assert.equal(result.jobs, 130);
    assert.equal(runs, 2);
  });
});
