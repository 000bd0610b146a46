import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CancelledFailure } from '@temporalio/common';
import type { Activities } from '../../activities/index.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import { emptyCounts } from '../../contract/states.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, MANIFEST } from './bulk-support.ts';
import { decideBulk, failed, gate, replaceActivities, untilCancelled, type Replaced } from './replaced-activities.ts';
import { assertInOrder, eventually, withJobs as withShortJobs, type Job, type Jobs } from './support.ts';
import { sharedTemporal } from '../support/temporal.ts';

type CopyChunkTask = Parameters<Activities['copyChunk']>[0];

const withJobs = (replaced: Replaced, use: (jobs: Jobs) => Promise<void>) =>
  withShortJobs(replaced, use, { bulk: true });

const PLANNING: Parameters<Activities['planListing']>[0] = {
  ...{ correlationId: 'any', source: COLLECTION, collections: [], cursor: null, maxChunks: 1 },
};

/** Locks all prefixes; with `skipLocked`, others hold these places. */
function lockBeside(...others: LockTarget[]): Replaced['activities']['lockPrefixes'] {
  const willing = replaceActivities().activities;
  return async (task) => ({ ...(await willing.lockPrefixes(task)), ...(task.skipLocked === true && { others }) });
}

/** The run of a job that is the latest one. */
async function latestRun({ id }: Job) {
  const { client } = await sharedTemporal();
  return client.workflow.getHandle(id);
}

function passes(replaced: Replaced): Pick<CopyChunkTask, 'chunk' | 'part' | 'only'>[] {
  return replaced.tasksOf('copyChunk').map(({ chunk, part, only }) => ({ chunk, part, ...(only && { only }) }));
}

describe('copyFiles of a prefix', () => {
  it('copies chunk by chunk while further ones are listed, releases the locks and closes the record', async () => {
    const replaced = replaceActivities(chunksOf(30));
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(COLLECTION));
      assert.deepEqual(outcome.admission, { decision: 'accepted' });
      assert.equal(outcome.requested, null, 'not listed yet');
      const result = await job.result();
      assert.equal(result.state, 'Completed');
      assert.deepEqual(result.counts, { ...emptyCounts(300), completed: 300, pending: 0, bytes: 2_100 });
      const copies = replaced.tasksOf('copyChunk').map(({ chunk }) => chunk);
      assert.deepEqual(
        copies.toSorted((one, other) => one - other),
        Array.from({ length: 30 }, (_, chunk) => chunk),
      );
      const [first, second] = [
        replaced.story.indexOf('begin copyChunk'),
        replaced.story.lastIndexOf('begin planListing'),
      ];
      assert.ok(first < second, 'copying begins before everything is listed');
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      assert.deepEqual(replaced.tasksOf('closeRecord')[0]?.status, result);
      assert.deepEqual(await job.status(), { ...result, isCounted: true });
    });
  });

  it('tells while it is listed that there may be more files than it has counted', async () => {
    const rest = gate();
    const chunks = chunksOf(3);
    let asked = 0;
    const replaced = replaceActivities({
      ...chunks,
      planListing: (task) =>
        asked++ === 0 ? chunks.planListing(task) : rest.passed.then(() => chunks.planListing(task)),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => asked === 2);
      const { counts, isCounted } = await job.status();
      assert.deepEqual([counts.requested, isCounted], [10, false]);
      rest.open();
      await job.result();
      assert.equal((await job.status()).isCounted, true);
    });
  });

  it('has as many chunks listed again as are listed, up to 20: more are there before these are copied', async () => {
    const replaced = replaceActivities(chunksOf(70));
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await job.result();
      const listed = replaced.tasksOf('planListing').map(({ maxChunks }) => maxChunks);
      assert.deepEqual(listed, [1, 2, 4, 8, 16, 20, 20]);
    });
  });

  it('with nothing under it is completed with 0 files', async () => {
    await withJobs(replaceActivities(chunksOf(0)), async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts], ['Completed', emptyCounts(0)]);
    });
  });

  it('goes on where a run of the workflow left off, when its history grows long', async () => {
    const replaced = replaceActivities({
      ...chunksOf(700),
      lockPrefixes: lockBeside({ bucket: 'bucket-to', name: 'x' }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION, { onLocked: 'skip' }));
      const result = await job.result();
      assert.equal(result.state, 'Completed');
      assert.deepEqual(result.counts, { ...emptyCounts(7_000), completed: 7_000, pending: 0, bytes: 49_000 });
      assert.equal(new Set(replaced.tasksOf('copyChunk').map(({ chunk }) => chunk)).size, 700);
      assert.equal(replaced.tasksOf('copyChunk').length, 700, 'each once');
      assert.ok(replaced.tasksOf('copyChunk').every(({ lockedPlaces }) => lockedPlaces === 'the 1 places'));
      const { runId, typedSearchAttributes } = await (await latestRun(job)).describe();
      assert.equal(typedSearchAttributes.get(COPY_REQUESTOR), 'alice');
      assert.equal(typedSearchAttributes.get(COPY_STATE), 'Completed');
      const owners = new Set(replaced.tasksOf('copyChunk').map(({ owner }) => owner.firstRunId));
      assert.equal(owners.size, 1, 'the locks are those of the first run');
      assert.ok(!owners.has(runId), 'and this is another one');
    });
  }).timeout(120_000);
});

describe('copyFiles of a prefix whose first files were listed as it was admitted', () => {
  /** Chunks of ten files each, the first of which admission has planned. */
  function listedFirst(count: number): Replaced {
    const replaced: Replaced = replaceActivities({
      ...chunksOf(count),
      async admitBulk(task) {
        const verdict = await decideBulk(replaced.activities, task);
        if (verdict.verdict !== 'accepted') return verdict;
        return { ...verdict, listed: await chunksOf(count).planListing({ ...PLANNING, maxChunks: 1 }) };
      },
    });
    return replaced;
  }

  it('copies these at once, and goes on listing behind them', async () => {
    const replaced = listedFirst(4);
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal(outcome.requested, null, 'there are more');
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.requested, counts.completed], ['Completed', 40, 40]);
      const chunks = passes(replaced).map(({ chunk }) => chunk);
      assert.deepEqual(chunks.sort(), [0, 1, 2, 3]);
      assert.deepEqual(
        replaced.tasksOf('planListing').map(({ cursor }) => cursor?.nextChunk),
        [1, 3],
        'two first, which are there before the first is copied',
      );
    });
  });

  it('tells how many files there are where that is all', async () => {
    const replaced = listedFirst(1);
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal(outcome.requested, 10);
      assert.equal((await job.result()).state, 'Completed');
      assert.equal(replaced.tasksOf('planListing').length, 0);
    });
  });

  it('closes the record at the generation at which it was claimed', async () => {
    const replaced = listedFirst(1);
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await job.result();
      assert.equal(replaced.tasksOf('closeRecord')[0]?.recordGeneration, '3000');
    });
  });
});

describe('copyFiles of a manifest', () => {
  it('copies what was planned when the list was read, and tells how many files that is', async () => {
    const replaced = replaceActivities(chunksOf(0));
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(MANIFEST));
      assert.equal(outcome.requested, 25);
      const { state, counts } = await job.result();
      assert.equal(state, 'Completed');
      assert.equal(counts.requested, 25);
      assert.deepEqual(
        passes(replaced).sort((one, other) => one.chunk - other.chunk),
        [0, 1, 2].map((chunk) => ({ chunk, part: 0 })),
      );
      assert.equal(replaced.tasksOf('planListing').length, 0);
    });
  });
});

describe('a chunk', () => {
  it('that leaves files over is gone on with later, as a further part, with these files only', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ part }) => Promise.resolve(part === 0 ? copied(8, [3, 4]) : copied(2)),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.completed, message], ['Completed', 10, '']);
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 1, only: [3, 4] },
      ]);
    });
  });

  it('of which nothing comes to its end at first is gone on with as a further part: the empty one is stored', async () => {
    const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ part }) => Promise.resolve(part === 0 ? copied(0, all) : copied(10)),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 1, only: all },
      ]);
    });
  });

  it('whose activity is lost is tried again as the same part', async () => {
    let tries = 0;
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: () => (++tries === 1 ? Promise.reject(failed('LOCK_LOST', 'gone')) : Promise.resolve(copied(10))),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(passes(replaced), [
        { chunk: 0, part: 0 },
        { chunk: 0, part: 0 },
      ]);
    });
  });

  it('has its share of the rate of its job', async () => {
    const replaced = replaceActivities(chunksOf(2));
    await withJobs(replaced, async (jobs) => {
      for (const [maxFilesPerSecond, share] of [
        [100, 100],
        [2_000, 500],
      ] as const) {
        const { job } = await jobs.admit(bulkRequest(COLLECTION, { maxFilesPerSecond }));
        await job.result();
        assert.deepEqual(
          replaced
            .tasksOf('copyChunk')
            .filter(({ correlationId }) => correlationId === job.id)
            .map(({ filesPerSecond }) => filesPerSecond),
          [share, share],
        );
      }
    });
  });
});

describe('controlling a bulk job', () => {
  it('pauses it: what is in flight says what is left, and that is gone on with first', async () => {
    const { passed, open } = gate();
    let isFirst = true;
    const replaced = replaceActivities({
      ...chunksOf(20),
      async copyChunk({ chunk, only }) {
        if (chunk > 0 || !isFirst) return copied(only?.length ?? 10);
        isFirst = false;
        await untilCancelled(passed);
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length > 0);
      await job.handle.signal('pause');
      await eventually(async () => (await job.status()).state === 'Paused');
      await eventually(async () => (await job.status()).counts.completed >= 4);
      const before = passes(replaced).length;
      await job.handle.signal('resume');
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.pending], ['Completed', 200, 0]);
      const [rest, ...others] = passes(replaced)
        .slice(before)
        .filter(({ chunk }) => chunk === 0);
      assert.deepEqual([rest, others], [{ chunk: 0, part: 1, only: [4, 5, 6, 7, 8, 9] }, []]);
      open();
    });
  });

  it('cancels it: nothing more is begun, and what has no end counts as cancelled', async () => {
    const replaced = replaceActivities({
      ...chunksOf(20),
      async copyChunk() {
        await untilCancelled();
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 16);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.equal(state, 'Cancelled');
      assert.equal(counts.completed, 64);
      assert.equal(counts.cancelled, counts.requested - 64);
      assert.equal(counts.pending, 0);
      assert.equal(replaced.tasksOf('copyChunk').length, 16);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });
});

describe('the end of a bulk job', () => {
  it('is told only once its locks are released, and after that its record is closed', async () => {
    const doors = { releasePrefixLocks: gate(), closeRecord: gate() };
    const replaced = replaceActivities({
      ...chunksOf(1),
      releasePrefixLocks: () => doors.releasePrefixLocks.passed,
      closeRecord: () => doors.closeRecord.passed,
    });
    await withJobs(replaced, async (jobs) => {
      try {
        const { job } = await jobs.admit(bulkRequest(COLLECTION), { taskTimeoutMs: 1_000 });
        for (const step of ['releasePrefixLocks', 'closeRecord'] as const) {
          await eventually(() => replaced.story.includes(`begin ${step}`));
          const { state, counts, endedAt } = await job.status();
          assert.deepEqual([state, counts.completed, endedAt], ['Processing', 10, null], `during ${step}`);
          const { typedSearchAttributes } = await job.handle.describe();
          assert.equal(typedSearchAttributes.get(COPY_STATE), 'Processing', `in the list of jobs, during ${step}`);
          doors[step].open();
        }
        assert.equal((await job.result()).state, 'Completed');
        assertInOrder(replaced.story, 'end copyChunk', 'begin releasePrefixLocks');
        assertInOrder(replaced.story, 'end releasePrefixLocks', 'begin closeRecord');
      } finally {
        // A worker waits for its activities before it ends.
        for (const door of Object.values(doors)) door.open();
      }
    });
  });
});

describe('a chunk of a job that is cancelled', () => {
  type Pass = [part: number, only: number[] | undefined, settle: boolean, isUncertain: boolean];
  const told = (replaced: Replaced) =>
    replaced
      .tasksOf('copyChunk')
      .map(({ part, only, settle = false, isUncertain = false }): Pass => [part, only, settle, isUncertain]);

  for (const [what, flag] of [
    ['whose result is that of another attempt', 'isAnothers'],
    ['that had sent what was not answered', 'isUncertain'],
  ] as const) {
    it(`${what} is looked at, file by file: what was left over may be copied`, async () => {
      const replaced = replaceActivities({
        ...chunksOf(1),
        async copyChunk({ settle, only = [] }) {
          if (settle === true) return copied(only.length);
          await untilCancelled();
          return { ...copied(7, [7, 8, 9]), [flag]: true };
        },
      });
      await withJobs(replaced, async (jobs) => {
        const { job } = await jobs.admit(bulkRequest(COLLECTION));
        await eventually(() => replaced.tasksOf('copyChunk').length === 1);
        await job.cancel();
        const { state, counts } = await job.result();
        assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
        assert.deepEqual(told(replaced), [
          [0, undefined, false, false],
          [1, [7, 8, 9], true, true],
        ]);
      });
    });
  }

  it('that waits to be tried again, having sent what was not answered, is looked at', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      copyChunk: ({ settle, only = [] }) =>
        Promise.resolve(settle === true ? copied(only.length) : { ...copied(7, [7, 8, 9]), isUncertain: true }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => (await job.status()).counts.completed === 7);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
    });
  });

  it('that nobody can say of what it did is looked at until every file has its end', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ settle, only }) {
        if (settle === true) return only === undefined ? copied(6, [6, 7, 8, 9]) : copied(only.length);
        await untilCancelled();
        throw failed('LOCK_LOST', 'gone');
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.cancel();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed, counts.cancelled], ['Completed', 10, 0]);
      assert.deepEqual(told(replaced), [
        [0, undefined, false, false],
        [0, undefined, true, true],
        [1, [6, 7, 8, 9], true, true],
      ]);
    });
  });
});

describe('a bulk job that is cancelled while it is listed', () => {
  for (const [what, chunks, completed] of [
    ['and nothing is listed yet', 0, 0],
    ['and all is copied that is', 1, 10],
  ] as const) {
    it(`is Cancelled, and says so, where files were not listed: ${what}`, async () => {
      const listing = gate();
      const first = chunksOf(1);
      const replaced = replaceActivities({
        ...first,
        async planListing(task) {
          if (task.cursor === null && chunks === 1) {
            return { ...(await first.planListing(task)), cursor: { startOffset: 'm', nextChunk: 1, nextIndex: 10 } };
          }
          await listing.passed;
          return { chunks: [], cursor: { startOffset: 'm', nextChunk: chunks, nextIndex: completed } };
        },
      });
      await withJobs(replaced, async (jobs) => {
        const { job } = await jobs.admit(bulkRequest(COLLECTION));
        await eventually(async () => (await job.status()).counts.completed === completed);
        await eventually(() => replaced.tasksOf('planListing').length === chunks + 1);
        await job.cancel();
        listing.open();
        const { state, counts, message } = await job.result();
        assert.deepEqual([state, counts.completed, counts.pending], ['Cancelled', completed, 0]);
        assert.match(message, /^CANCELLED: .* before all files under the prefix were listed$/);
        const [closed] = replaced.tasksOf('closeRecord');
        assert.deepEqual([closed?.status.state, closed?.isCutShort], ['Cancelled', true]);
      });
    });
  }
});

describe('a bulk job that is cancelled', () => {
  /** About a second; on a busy machine, less than a pause or a time-out of an activity. In milliseconds. */
  const within = 3_000;

  /** Cancels a job, and gives what it came to. */
  async function cancelled(job: Job): Promise<JobStatus> {
    await job.cancel();
    const cancelledAt = performance.now();
    const status = await job.result();
    assert.ok(performance.now() - cancelledAt < within, `ended after ${performance.now() - cancelledAt} ms`);
    return status;
  }

  it('while its source is listed, and chunks of it are copied, ends at once', async () => {
    const first = chunksOf(30);
    const replaced = replaceActivities({
      ...first,
      async planListing(task) {
        if (task.cursor === null) return await first.planListing({ ...task, maxChunks: 12 });
        await untilCancelled();
        return { chunks: [], cursor: task.cursor };
      },
      async copyChunk({ settle }) {
        if (settle === true) return { ...copied(0), counts: { ...copied(0).counts, count: 10, cancelled: 10 } };
        await untilCancelled();
        return copied(4, [4, 5, 6, 7, 8, 9]);
      },
      countPlanned: () => Promise.resolve(20),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('planListing').length === 2 && replaced.tasksOf('copyChunk').length > 0);
      const { state, counts, message } = await cancelled(job);
      assert.deepEqual([state, counts.requested, counts.pending], ['Cancelled', 140, 0]);
      assert.equal(counts.completed + counts.cancelled, 140);
      assert.match(message, /^CANCELLED: .* before all files under the prefix were listed$/);
      assert.deepEqual(replaced.tasksOf('countPlanned'), [{ correlationId: job.id, from: 12 }]);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });

  it('while planning is to be tried again ends at once, and counts what it had planned by then', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      planListing: () => Promise.reject(failed('STORAGE_UNAVAILABLE', 'no answer')),
      countPlanned: () => Promise.resolve(10),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      // The pause after the fourth attempt is longer than the job may take.
      await eventually(() => replaced.tasksOf('planListing').length === 4);
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(10), cancelled: 10, pending: 0 }]);
    });
  });

  it('as planning is lost is Cancelled all the same: what could not be listed then has not failed', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async planListing() {
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('planListing').length === 1);
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', emptyCounts(0)]);
    });
  });

  /** An activity that reads a list, and says nothing of it once it is cancelled. */
  const reading = async (): Promise<never> => {
    await untilCancelled();
    throw new CancelledFailure('the job was cancelled meanwhile');
  };

  it('while its list is read ends at once: nothing is locked, and what was planned is cancelled', async () => {
    const replaced = replaceActivities({
      admitBulk: reading,
      giveUpAdmission: () => Promise.resolve({ verdict: 'givenUp', planned: 2_000, recordGeneration: '7' }),
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { admitted } = await job.ask();
      const { state, counts, message } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(2_000), cancelled: 2_000, pending: 0 }]);
      assert.equal(message, 'CANCELLED: the job was cancelled before its request was decided');
      const { admission, requested } = await admitted();
      assert.deepEqual([admission, requested], [{ decision: 'accepted' }, 2_000]);
      const [closing] = replaced.tasksOf('closeRecord');
      assert.deepEqual([closing?.status.state, closing?.recordGeneration], ['Cancelled', '7']);
      assert.ok(!replaced.story.includes('begin copyChunk'));
    });
  });

  it('by Temporal while its list is read does the same, and ends the workflow as cancelled', async () => {
    const replaced = replaceActivities({ admitBulk: reading });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      await job.handle.cancel();
      await assert.rejects(job.result());
      assert.equal((await job.handle.describe()).status.name, 'CANCELLED');
      assert.equal(replaced.tasksOf('closeRecord')[0]?.status.state, 'Cancelled');
    });
  });

  it('before its list is read does not have it read', async () => {
    const replaced = replaceActivities({ admitBulk: reading });
    const useJobs = async (jobs: Jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await job.cancel();
      await jobs.worker.start();
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts], ['Cancelled', emptyCounts(0)]);
      assert.deepEqual([replaced.tasksOf('admitBulk').length, replaced.tasksOf('giveUpAdmission').length], [0, 1]);
    };
    await withShortJobs(replaced, useJobs, { started: false, bulk: true });
  });

  it('while its list is read, by an id that another job has, tells the end of that one', async () => {
    const counts = { ...emptyCounts(1), completed: 1, pending: 0, bytes: 7 };
    const replaced = replaceActivities({
      admitBulk: reading,
      giveUpAdmission: ({ owner: { correlationId } }) =>
        Promise.resolve({
          verdict: 'taken',
          outcome: { caller: 'bob', digest: 'e'.repeat(64), requested: 1, admission: { decision: 'accepted' } },
          status: { correlationId, state: 'Completed', counts, startedAt: 1, endedAt: 2, message: '' },
        }),
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { state, endedAt } = await cancelled(job);
      assert.deepEqual([state, endedAt], ['Completed', 2]);
      assert.equal(replaced.tasksOf('closeRecord').length, 0);
    });
  });

  it('just as its list is admitted gives the locks back', async () => {
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      async admitBulk(task) {
        await untilCancelled();
        return await willing.admitBulk(task);
      },
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      const { state, counts } = await cancelled(job);
      assert.deepEqual([state, counts], ['Cancelled', { ...emptyCounts(25), cancelled: 25, pending: 0 }]);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      assert.equal(replaced.tasksOf('copyChunk').length, 0);
    });
  });

  it('and refused in the same breath stays refused', async () => {
    const admission = { decision: 'forbidden' as const, message: 'ACCESS_DENIED: no' };
    const replaced = replaceActivities({
      async admitBulk() {
        await untilCancelled();
        return { verdict: 'refused', admission };
      },
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      assert.equal((await cancelled(job)).state, 'Rejected');
    });
  });
});

describe('a bulk job that is paused', () => {
  it('as its list is read goes on reading, and is paused then', async () => {
    const door = gate();
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      admitBulk: (task) => door.passed.then(() => willing.admitBulk(task)),
      copyChunk: ({ chunk }) => Promise.resolve(copied(chunk === 2 ? 5 : 10)),
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      await job.handle.signal('pause');
      door.open();
      await eventually(async () => (await job.status()).state === 'Paused');
      assert.equal(replaced.tasksOf('copyChunk').length, 0);
      await job.handle.signal('resume');
      assert.equal((await job.result()).state, 'Completed');
    });
  });

  it('as planning is lost plans on from there when it goes on', async () => {
    const listing = chunksOf(2);
    let asked = 0;
    const replaced = replaceActivities({
      ...listing,
      async planListing(task) {
        if (++asked !== 2) return await listing.planListing(task);
        await untilCancelled();
        throw failed('WORKER_LOST', 'the worker is shutting down');
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => asked === 2);
      await job.handle.signal('pause');
      await eventually(async () => (await job.status()).state === 'Paused');
      await job.handle.signal('resume');
      const { state, counts } = await job.result();
      assert.deepEqual([state, counts.completed], ['Completed', 20]);
    });
  });
});

describe('a bulk job ends, and tells why, where', () => {
  const why = /^STORAGE_FORBIDDEN: no$/;

  it('its source cannot be listed: nothing is copied, and its locks are released', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      planListing: () => Promise.reject(failed('STORAGE_FORBIDDEN', 'no')),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await assert.rejects(job.result());
      const { state, counts, message } = await job.status();
      assert.deepEqual([state, counts], ['Failed', emptyCounts(0)]);
      assert.match(message, why);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      const [closed] = replaced.tasksOf('closeRecord');
      assert.deepEqual([closed?.status.state, closed?.isCutShort], ['Failed', true]);
    });
  });

  it('the rest of its source cannot be listed: what is listed is copied', async () => {
    const first = chunksOf(1);
    const replaced = replaceActivities({
      ...first,
      async planListing(task) {
        if (task.cursor !== null) throw failed('STORAGE_FORBIDDEN', 'no');
        return { ...(await first.planListing(task)), cursor: { startOffset: 'm', nextChunk: 1, nextIndex: 10 } };
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.completed, counts.failed], ['CompletedWithErrors', 10, 0]);
      assert.match(message, why);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      assert.equal(replaced.tasksOf('closeRecord')[0]?.isCutShort, true);
    });
  });
});

describe('a chunk that no activity can say anything of', () => {
  const lost = failed('INTERNAL_ERROR', 'chunk 1 was not planned');

  it('is given up in the end: its files have failed, the others are copied', async () => {
    const replaced = replaceActivities({ ...chunksOf(0), copyChunk: () => Promise.reject(lost) });
    await withJobs(replaced, async (jobs) => {
      // A job that goes on from where there were as many passes over its second chunk as there may be.
      const input = bulkRequest(COLLECTION);
      const { caller } = input.requestor;
      const counts = { ...emptyCounts(20), completed: 10, pending: 10 };
      const status = { correlationId: 'any', state: 'Processing', counts, startedAt: 1, endedAt: null, message: '' };
      const outcome = { caller, digest: input.digest, requested: null, admission: { decision: 'accepted' } };
      const left = [{ chunk: 1, part: 0, tries: 13 }];
      const carried = {
        ...{ book: { status, isPaused: false, outcome, collections: [] }, locks: [] },
        copying: { queue: { planned: 2, next: 2, left }, cursor: null },
      };
      const { taskQueue } = jobs.worker;
      const { handle } = await jobs.other('copyFiles', {
        ...{ workflowId: randomUUID(), taskQueue, args: [input, carried] },
      });
      const ended = (await handle.result()) as JobStatus;
      assert.deepEqual([ended.state, ended.counts.completed, ended.counts.failed], ['CompletedWithErrors', 10, 10]);
      assert.match(ended.message, /^INTERNAL_ERROR: chunk 1/);
      assert.equal(replaced.tasksOf('copyChunk').length, 1);
    });
  });

  it('does not keep a job from being cancelled', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      async copyChunk({ settle }) {
        if (settle !== true) await untilCancelled();
        throw lost;
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.cancel();
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.cancelled, counts.pending], ['Cancelled', 10, 0]);
      assert.match(message, /^INTERNAL_ERROR: chunk 1/);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
    });
  });
});

describe('admission of a bulk job', () => {
  it('is refused where others hold the place, and nothing is listed', async () => {
    const files = [{ collectionId: 'to', fileName: '2026/' }];
    const replaced = replaceActivities({
      ...chunksOf(1),
      lockPrefixes: () => Promise.resolve({ locked: false, files, holders: ['job x'] }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(COLLECTION));
      assert.deepEqual(outcome.admission, { decision: 'locked', files });
      assert.equal((await job.result()).state, 'Rejected');
      assert.equal(replaced.tasksOf('planListing').length, 0);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 0);
    });
  });

  it('with onLocked "skip" does without what others hold, which every chunk is told', async () => {
    const [one, other] = [
      { bucket: 'bucket-to', name: '2026/x' },
      { bucket: 'bucket-from', prefix: '2026/y/' },
    ];
    const replaced = replaceActivities({ ...chunksOf(2), lockPrefixes: lockBeside(one, other) });
    await withJobs(replaced, async (jobs) => {
      for (const [onLocked, skipLocked, lockedPlaces] of [
        ['skip', true, 'the 2 places'],
        ['reject', false, undefined],
      ] as const) {
        const { job } = await jobs.admit(bulkRequest(COLLECTION, { onLocked }));
        assert.equal((await job.result()).state, 'Completed');
        assert.equal(replaced.tasksOf('lockPrefixes').at(-1)?.skipLocked, skipLocked);
        const told = replaced.tasksOf('copyChunk').filter(({ correlationId }) => correlationId === job.id);
        assert.deepEqual(
          told.map((task) => task.lockedPlaces),
          [lockedPlaces, lockedPlaces],
        );
      }
    });
  });

  it('waits where the request says so, and reads a list only once', async () => {
    let tries = 0;
    const files = [{ collectionId: 'to', fileName: '2026/' }];
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      ...chunksOf(1),
      lockPrefixes: (task) =>
        ++tries === 1 ? Promise.resolve({ locked: false, files, holders: ['job x'] }) : willing.lockPrefixes(task),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(MANIFEST, { onLocked: 'wait' }));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(
        replaced.tasksOf('admitBulk').map(({ plan }) => plan?.requested),
        [undefined, 25],
      );
    });
  });
});
