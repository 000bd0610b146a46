import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { PAUSE_SIGNAL, RESUME_SIGNAL } from '../../contract/ids.ts';
import type { JobMemo, LiveStatus } from '../../contract/messages.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, withBulkJobs } from './bulk-support.ts';
import { failed, failedForGood, gate, othersHold, replaceActivities, type Replaced } from './replaced-activities.ts';
import { eventually, requestFor, type Job } from './support.ts';
import { sharedTemporal } from '../support/temporal.ts';

/** What one look shows of the latest run of a job's workflow: what that has told itself, and its activities under way. */
async function look({ id }: Job): Promise<{ live: LiveStatus | undefined; pending: (string | null | undefined)[] }> {
  const { client } = await sharedTemporal();
  const { memo, runId, raw } = await client.workflow.getHandle(id).describe();
  const { runId: toldBy, ...live } = (memo as Partial<JobMemo> | undefined)?.live ?? {};
  const pending = (raw.pendingActivities ?? []).map(({ activityId }) => activityId);
  return { live: toldBy === runId ? (live as LiveStatus) : undefined, pending };
}

const described = async (job: Job) => (await look(job)).live;

/** Three chunks of ten files, each of which ends when its gate is opened. */
function gatedChunks() {
  const gates = [gate(), gate(), gate()];
  const copyChunk: Replaced['activities']['copyChunk'] = ({ chunk }) =>
    (gates[chunk]?.passed ?? Promise.resolve()).then(() => copied(10));
  return { gates, replaced: replaceActivities({ ...chunksOf(3), copyChunk }) };
}

describe('what the workflow of a bulk job is described with', () => {
  it('is what it says when it is asked, whatever has happened', async () => {
    const { gates, replaced } = gatedChunks();
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const isAs = async (expected: (live: LiveStatus) => boolean) => {
        await eventually(async () => expected(await job.status()));
        assert.deepEqual(await described(job), await job.status());
      };
      await isAs(({ underWay = [], isCounted }) => underWay.length === 3 && isCounted === true);
      gates[1]?.open();
      await isAs(({ counts, underWay = [] }) => counts.completed === 10 && underWay.length === 2);
      await job.handle.signal(PAUSE_SIGNAL);
      await isAs(({ state }) => state === 'Paused');
      await job.handle.signal(RESUME_SIGNAL);
      await isAs(({ state }) => state === 'Processing');
      await job.cancel();
      await isAs(({ state }) => state === 'Cancelling');
      for (const { open } of gates) open();
      await job.result();
    });
  });

  it('changes once for a chunk, and not for what changes nothing', async () => {
    const { gates, replaced } = gatedChunks();
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => (await job.status()).isCounted === true);
      const changes = async () => {
        const events = await job.events();
        return events.filter((event) => event.workflowPropertiesModifiedEventAttributes).length;
      };
      const before = await changes();
      gates[0]?.open();
      await eventually(async () => (await job.status()).counts.completed === 10);
      assert.equal(await changes(), before + 1);
      await job.handle.signal(RESUME_SIGNAL);
      await job.status();
      assert.equal(await changes(), before + 1);
      for (const { open } of gates) open();
      await job.result();
    });
  });

  it('names the passes whose activities are under way, and those that ended without saying what they did', async () => {
    const [failing, lost] = [gate(), gate()];
    const chunks = chunksOf(2);
    const replaced = replaceActivities({
      ...chunks,
      copyChunk: async (task) => {
        if (task.isUncertain === true) await lost.passed;
        else if (task.chunk === 1) {
          await failing.passed;
          throw failed('INTERNAL_ERROR', 'lost');
        }
        return await chunks.copyChunk(task);
      },
      findCopies: () => Promise.reject(failedForGood('INTERNAL_ERROR', 'the chunk is gone')),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      // An activity that has ended is gone at once, and what the workflow makes of it is told with its next task.
      const isTold = async (expected: string[]) => {
        await eventually(async () => {
          const { live, pending } = await look(job);
          return live?.underWay?.[0]?.isUncertain === true && isDeepStrictEqual(pending, expected);
        });
        const live = await described(job);
        assert.deepEqual(live?.underWay, [{ chunk: 1, part: 0, isUncertain: true }]);
        assert.equal(live.counts.completed, 10);
      };
      await eventually(async () => {
        const { counts, underWay = [] } = await job.status();
        return counts.completed === 10 && underWay.length === 1;
      });
      // While it is paused, nothing is made again; nor does a look tell what became of it.
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => (await job.status()).state === 'Paused');
      failing.open();
      await isTold([]);
      await job.handle.signal(RESUME_SIGNAL);
      await isTold(['chunk-1-0']);
      lost.open();
      const { counts } = await job.result();
      assert.equal(counts.completed, 20);
    });
  });

  it('is told anew when it continues as a new run', async () => {
    const last = gate();
    const chunks = chunksOf(400);
    const replaced = replaceActivities({
      ...chunks,
      copyChunk: (task) => (task.chunk < 399 ? chunks.copyChunk(task) : last.passed.then(() => chunks.copyChunk(task))),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const { client } = await sharedTemporal();
      const latest = client.workflow.getHandle(job.id);
      await eventually(async () => (await described(job))?.counts.completed === 3_990, 50_000);
      const { runId } = await latest.describe();
      assert.notEqual(runId, job.handle.firstExecutionRunId);
      assert.deepEqual(await described(job), await latest.query<LiveStatus>('status'));
      last.open();
      assert.equal((await latest.result()).state, 'Completed');
    });
  }).timeout(60_000);

  it('says nothing of one that is not accepted, nor of a short job', async () => {
    const locked = () => Promise.resolve(othersHold([{ collectionId: 'to', fileName: '' }]));
    await withBulkJobs(replaceActivities({ ...chunksOf(1), lockPrefixes: locked }), async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal((await job.result()).state, 'Rejected');
      assert.equal(await described(job), undefined);
      const { job: short } = await jobs.admit(requestFor('a'));
      await short.result();
      assert.equal(await described(short), undefined);
    });
  });
});
