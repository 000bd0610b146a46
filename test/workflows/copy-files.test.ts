import assert from 'node:assert/strict';
import { COPY_STATE } from '../../contract/search-attributes.ts';
import { emptyCounts } from '../../contract/states.ts';
import { completed, gate, replaceActivities, untilCancelled } from './replaced-activities.ts';
import { assertInOrder, eventually, fileNames, RECEIVED_AT, requestFor, withJobs } from './support.ts';

describe('copyFiles', () => {
  it('admits, copies, stores results, releases, closes the record; in this order', async () => {
    const replaced = replaceActivities();
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      const result = await job.result();
      const { story } = replaced;
      for (const copy of ['copyFile a', 'copyFile b']) {
        assertInOrder(story, 'end admitJob', `begin ${copy}`, `end ${copy}`, 'begin saveResults');
      }
      assertInOrder(story, 'end saveResults', 'begin releaseLocks', 'end releaseLocks', 'begin closeRecord');
      assert.equal(story.filter((line) => line.startsWith('begin')).length, 10, 'each of them once');
      assert.deepEqual(replaced.tasksOf('closeRecord')[0]?.status, result);
    });
  });

  it('ends with the counts and times of the job', async () => {
    await withJobs(replaceActivities(), async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      const result = await job.result();
      const { startedAt, endedAt, ...rest } = result;
      assert.deepEqual(rest, {
        correlationId: job.id,
        state: 'Completed',
        counts: { ...emptyCounts(2), completed: 2, pending: 0, bytes: 14 },
        message: '',
      });
      assert.equal(startedAt, RECEIVED_AT);
      // Temporal's clock is this machine's, but for what a workflow task takes.
      assert.ok(endedAt !== null && Math.abs(endedAt - Date.now()) < 10_000);
      assert.deepEqual(await job.status(), result);
    });
  });

  it('ends as its record says where that was closed before: by a workflow task that a signal has overtaken', async () => {
    const replaced = replaceActivities({
      closeRecord: ({ status }) => Promise.resolve({ ...status, endedAt: RECEIVED_AT + 1, message: 'told before' }),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a'));
      const { state, endedAt, message } = await job.result();
      assert.deepEqual([state, endedAt, message], ['Completed', RECEIVED_AT + 1, 'told before']);
      assert.equal((await job.status()).endedAt, RECEIVED_AT + 1);
    });
  });

  it('tells at each step where the job and its files stand', async () => {
    const doors = { a: gate(), b: gate() };
    const replaced = replaceActivities({
      copyFile: async ({ source }) => {
        await doors[source.name as 'a' | 'b'].passed;
        return completed();
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      assert.deepEqual(await job.status(), {
        correlationId: job.id,
        state: 'Processing',
        counts: emptyCounts(2),
        startedAt: RECEIVED_AT,
        endedAt: null,
        message: '',
      });
      assert.deepEqual(await job.states(), { a: 'Processing', b: 'Processing' });

      doors.b.open();
      await eventually(async () => (await job.status()).counts.completed === 1);
      assert.deepEqual(await job.states(), { a: 'Processing', b: 'Completed' });
      assert.deepEqual((await job.status()).counts, { ...emptyCounts(2), completed: 1, pending: 1, bytes: 7 });

      doors.a.open();
      await job.result();
      assert.deepEqual(await job.states(), { a: 'Completed', b: 'Completed' });
    });
  });

  it('writes down of each file what was copied and when its state changed', async () => {
    const replaced = replaceActivities({ copyFile: () => Promise.resolve(completed({ retryCount: 3 })) });
    await withJobs(replaced, async (jobs) => {
      const input = requestFor('a');
      const { job } = await jobs.admit(input);
      await job.result();
      const [file] = (await job.files()).files;
      const { history, ...rest } = file!;
      assert.deepEqual(rest, {
        ...input.request.entries[0],
        ...completed({ retryCount: 3 }),
        index: 0,
      });
      assert.deepEqual(
        history.map(({ state }) => state),
        ['Requested', 'Processing', 'Completed'],
      );
      assert.equal(history[0]?.at, input.receivedAt);
      assert.ok(history[1]!.at <= history[2]!.at);
      assert.deepEqual(replaced.tasksOf('saveResults')[0]?.files, [file], 'the record keeps the same');
    });
  });

  it('pages and filters its files', async () => {
    const replaced = replaceActivities({
      copyFile: ({ source }) =>
        Promise.resolve(source.name < 'file-0002' ? completed() : completed({ state: 'Skipped', size: null })),
    });
    await withJobs(replaced, async (jobs) => {
      const input = requestFor(...fileNames(5));
      input.request.entries[4]!.sourceCollectionId = 'third';
      const { job } = await jobs.admit(input);
      await job.result();
      const page = async (query: Parameters<typeof job.files>[0]) => {
        const { files, next, totalCount } = await job.files(query);
        return { at: files.map(({ index }) => index), next, totalCount };
      };
      assert.deepEqual(await page({ limit: 2 }), { at: [0, 1], next: 2, totalCount: 5 });
      assert.deepEqual(await page({ from: 2, limit: 3 }), { at: [2, 3, 4], next: null, totalCount: 5 });
      assert.deepEqual(await page({ state: 'Skipped', limit: 2 }), { at: [2, 3], next: 4, totalCount: 3 });
      assert.deepEqual(await page({ state: 'Failed' }), { at: [], next: null, totalCount: 0 });
      assert.deepEqual(await page({ collectionId: 'third' }), { at: [4], next: null, totalCount: 1 });
      assert.deepEqual(await page({ collectionId: 'to', state: 'Completed' }), {
        at: [0, 1],
        next: null,
        totalCount: 2,
      });
      assert.deepEqual(await page({ collectionId: 'unknown' }), { at: [], next: null, totalCount: 0 });
    });
  });

  it('of more than 100 files takes and releases the locks in activities of their own, and shows no end before that', async () => {
    const doors = { take: gate(), release: gate() };
    const willing = replaceActivities().activities;
    const replaced = replaceActivities({
      takeLocks: (task) => doors.take.passed.then(() => willing.takeLocks(task)),
      releaseLocks: () => doors.release.passed,
    });
    await withJobs(replaced, async (jobs) => {
      const job = await jobs.start(requestFor(...fileNames(101)));
      await eventually(() => replaced.story.includes('begin takeLocks'));
      assert.deepEqual(
        await job.status(),
        {
          correlationId: job.id,
          state: 'Requested',
          counts: emptyCounts(101),
          startedAt: RECEIVED_AT,
          endedAt: null,
          message: '',
        },
        'a job whose locks are being taken is not decided',
      );
      assert.equal((await job.files()).totalCount, 0, 'and shows no files');
      doors.take.open();
      await eventually(() => replaced.story.includes('begin releaseLocks'));
      const { state, counts, endedAt } = await job.status();
      assert.equal(state, 'Processing');
      assert.equal(endedAt, null);
      assert.deepEqual(counts, { ...emptyCounts(101), completed: 101, pending: 0, bytes: 707 });
      doors.release.open();
      assert.equal((await job.result()).state, 'Completed');
      assert.deepEqual(
        replaced.tasksOf('releaseLocks')[0]?.locks.map(({ generation }) => generation),
        fileNames(101).map((_, index) => String(1_000 + index)),
      );
      const scheduled = (await job.events()).map(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name,
      );
      assert.deepEqual(new Set(scheduled), new Set([undefined, 'admitJob', 'copyFile', 'releaseLocks']));
    });
  });

  it('tells its end only once its locks are released, and after that its record is closed', async () => {
    const doors = { releaseLocks: gate(), closeRecord: gate() };
    const replaced = replaceActivities({
      releaseLocks: () => doors.releaseLocks.passed,
      closeRecord: () => doors.closeRecord.passed.then(() => undefined),
    });
    await withJobs(replaced, async (jobs) => {
      try {
        const { job } = await jobs.admit(requestFor('a'), { taskTimeoutMs: 1_000 });
        for (const step of ['releaseLocks', 'closeRecord'] as const) {
          await eventually(() => replaced.story.includes(`begin ${step}`));
          const { state, counts, endedAt } = await job.status();
          assert.deepEqual([state, counts.completed, endedAt], ['Processing', 1, null], `during ${step}`);
          const { typedSearchAttributes } = await job.handle.describe();
          assert.equal(typedSearchAttributes.get(COPY_STATE), 'Processing', `in the list of jobs, during ${step}`);
          doors[step].open();
        }
        assert.equal((await job.result()).state, 'Completed');
      } finally {
        // A worker waits for its activities before it ends.
        for (const door of Object.values(doors)) door.open();
      }
    });
  });

  it('never has more than 100 copies under way, and keeps that many under way', async () => {
    const { passed, open } = gate();
    let inFlight = 0;
    let most = 0;
    const replaced = replaceActivities({
      copyFile: async () => {
        most = Math.max(most, ++inFlight);
        await passed;
        inFlight -= 1;
        return completed();
      },
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor(...fileNames(230)));
      await eventually(() => inFlight === 100);
      const { raw } = await job.handle.describe();
      assert.equal(raw.pendingActivities?.length, 100, 'and the others are not waiting in Temporal either');
      open();
      assert.equal((await job.result()).counts.completed, 230);
      assert.equal(most, 100);
    });
  });

  it('stores what ends while earlier results are being stored', async () => {
    const doors = { save: gate(), second: gate() };
    const replaced = replaceActivities({
      copyFile: ({ source }) =>
        source.name === 'a' ? Promise.resolve(completed()) : doors.second.passed.then(() => completed()),
      saveResults: ({ batch }) => (batch === 0 ? doors.save.passed : Promise.resolve()),
    });
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      await eventually(() => replaced.tasksOf('saveResults').length === 1);
      doors.second.open();
      await eventually(async () => (await job.status()).counts.completed === 2);
      doors.save.open();
      await job.result();
      assert.deepEqual(
        replaced.tasksOf('saveResults').map(({ batch, files }) => [batch, files.map(({ fileName }) => fileName)]),
        [
          [0, ['a']],
          [1, ['b']],
        ],
      );
    });
  }).timeout(30_000);

  it('stores results in batches while a long copy is still under way', async () => {
    const replaced = replaceActivities({
      copyFile: async ({ source }) => {
        if (source.name === 'long') await untilCancelled(passed);
        return completed();
      },
    });
    const { passed, open } = gate();
    await withJobs(replaced, async (jobs) => {
      const { job } = await jobs.admit(requestFor('a', 'long', 'b'));
      await eventually(() => replaced.tasksOf('saveResults').length === 1);
      assert.deepEqual(await job.states(), { a: 'Completed', long: 'Processing', b: 'Completed' });
      open();
      await job.result();
      const stored = replaced.tasksOf('saveResults').map(({ batch, files, correlationId }) => ({
        correlationId,
        batch,
        files: files.map(({ fileName }) => fileName).sort(),
      }));
      assert.deepEqual(stored, [
        { correlationId: job.id, batch: 0, files: ['a', 'b'] },
        { correlationId: job.id, batch: 1, files: ['long'] },
      ]);
    });
  });
});
