import assert from 'node:assert/strict';
import type { Activities } from '../../activities/index.ts';
import { NOT_ALL_LISTED } from '../../contract/listing.ts';
import { COPY_REQUESTOR, COPY_STATE } from '../../contract/search-attributes.ts';
import { emptyCounts } from '../../contract/states.ts';
import type { LockTarget } from '../../storage/lock-targets.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, MANIFEST, passes, withBulkJobs } from './bulk-support.ts';
import { decideBulk, failed, gate, replaceActivities, type Replaced } from './replaced-activities.ts';
import { assertInOrder, eventually, type Job } from './support.ts';
import { sharedTemporal } from '../support/temporal.ts';

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

describe('copyFiles of a prefix', () => {
  it('copies chunk by chunk while further ones are listed, releases the locks and closes the record', async () => {
    const replaced = replaceActivities(chunksOf(30));
    await withBulkJobs(replaced, async (jobs) => {
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
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => asked === 2);
      const { counts, isCounted, message } = await job.status();
      assert.deepEqual([counts.requested, isCounted], [10, false]);
      assert.equal(message, NOT_ALL_LISTED);
      rest.open();
      assert.equal((await job.result()).message, '');
      const { isCounted: isCountedNow, message: messageNow } = await job.status();
      assert.deepEqual([isCountedNow, messageNow], [true, '']);
    });
  });

  it('tells so also while it is cancelled, and is told by its end what was left', async () => {
    const rest = gate();
    const chunks = chunksOf(3);
    const replaced = replaceActivities({
      ...chunks,
      planListing: (task) =>
        task.cursor === null ? chunks.planListing(task) : rest.passed.then(() => chunks.planListing(task)),
      countPlanned: () => Promise.resolve(0),
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('planListing').length === 2);
      await job.cancel();
      await eventually(async () => (await job.status()).state === 'Cancelling');
      assert.equal((await job.status()).message, NOT_ALL_LISTED);
      rest.open();
      await job.result().catch(() => undefined);
      const { state, message } = await job.status();
      assert.deepEqual([state, message.includes(NOT_ALL_LISTED)], ['Cancelled', false]);
    });
  });

  it('tells why files are to be tried again, and no more of it once they are copied', async () => {
    const [retry, rest] = [gate(), gate()];
    const chunks = chunksOf(2);
    const replaced = replaceActivities({
      ...chunks,
      copyChunk: async ({ chunk, part, only }) => {
        if (chunk === 1) await rest.passed;
        if (part === 1) await retry.passed;
        return chunk === 0 && part === 0 ? copied(8, [8, 9]) : copied(only?.length ?? 10);
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').some(({ part }) => part === 1));
      assert.match((await job.status()).message, /^STORAGE_UNAVAILABLE: no answer/);
      retry.open();
      await eventually(async () => (await job.status()).counts.completed === 10);
      assert.equal((await job.status()).message, '');
      rest.open();
      assert.equal((await job.result()).message, '');
    });
  });

  it('has as many chunks listed again as are listed, up to 20: more are there before these are copied', async () => {
    const replaced = replaceActivities(chunksOf(70));
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await job.result();
      const listed = replaced.tasksOf('planListing').map(({ maxChunks }) => maxChunks);
      assert.deepEqual(listed, [1, 2, 4, 8, 16, 20, 20]);
    });
  });

  it('with nothing under it is completed with 0 files', async () => {
    await withBulkJobs(replaceActivities(chunksOf(0)), async (jobs) => {
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
    await withBulkJobs(replaced, async (jobs) => {
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
      const { owner } = replaced.tasksOf('lockPrefixes')[0] ?? assert.fail();
      assert.deepEqual(replaced.tasksOf('releasePrefixLocks')[0]?.owner, owner, 'the locks are those of the first run');
      assert.notEqual(owner.firstRunId, runId, 'and this is another one');
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
    await withBulkJobs(replaced, async (jobs) => {
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
    await withBulkJobs(replaced, async (jobs) => {
      const { job, outcome } = await jobs.admit(bulkRequest(COLLECTION));
      assert.equal(outcome.requested, 10);
      assert.equal((await job.result()).state, 'Completed');
      assert.equal(replaced.tasksOf('planListing').length, 0);
    });
  });

  it('closes the record at the generation at which it was claimed', async () => {
    const replaced = listedFirst(1);
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await job.result();
      assert.equal(replaced.tasksOf('closeRecord')[0]?.recordGeneration, '3000');
    });
  });
});

describe('copyFiles of a manifest', () => {
  it('copies what was planned when the list was read, and tells how many files that is', async () => {
    const replaced = replaceActivities(chunksOf(0));
    await withBulkJobs(replaced, async (jobs) => {
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

describe('the end of a bulk job', () => {
  it('is told only once its locks are released, and after that its record is closed', async () => {
    const doors = { releasePrefixLocks: gate(), closeRecord: gate() };
    const replaced = replaceActivities({
      ...chunksOf(1),
      releasePrefixLocks: () => doors.releasePrefixLocks.passed,
      closeRecord: () => doors.closeRecord.passed.then(() => undefined),
    });
    await withBulkJobs(replaced, async (jobs) => {
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

describe('a bulk job ends, and tells why, where', () => {
  const why = /^STORAGE_FORBIDDEN: no$/;

  it('its source cannot be listed: nothing is copied, and its locks are released', async () => {
    const replaced = replaceActivities({
      ...chunksOf(1),
      planListing: () => Promise.reject(failed('STORAGE_FORBIDDEN', 'no')),
    });
    await withBulkJobs(replaced, async (jobs) => {
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
    const copying = gate();
    const replaced = replaceActivities({
      ...first,
      copyChunk: (task) => copying.passed.then(() => first.copyChunk(task)),
      async planListing(task) {
        if (task.cursor !== null) throw failed('STORAGE_FORBIDDEN', 'no');
        return { ...(await first.planListing(task)), cursor: { startOffset: 'm', nextChunk: 1, nextIndex: 10 } };
      },
    });
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => why.test((await job.status()).message));
      copying.open();
      const { state, counts, message } = await job.result();
      assert.deepEqual([state, counts.completed, counts.failed], ['CompletedWithErrors', 10, 0]);
      assert.match(message, why);
      assert.equal(replaced.tasksOf('releasePrefixLocks').length, 1);
      assert.equal(replaced.tasksOf('closeRecord')[0]?.isCutShort, true);
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
    await withBulkJobs(replaced, async (jobs) => {
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
    await withBulkJobs(replaced, async (jobs) => {
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
    await withBulkJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(bulkRequest(MANIFEST, { onLocked: 'wait' }));
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(
        replaced.tasksOf('admitBulk').map(({ plan }) => plan?.requested),
        [undefined, 25],
      );
    });
  });
});
