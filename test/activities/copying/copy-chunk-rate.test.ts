import assert from 'node:assert/strict';
import { filesOfPass } from '../../../activities/copying/chunk/files-of-pass.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { FakeClock, settled } from '../../support/fake-clock.ts';
import { answerError } from '../../support/storage-proxy/index.ts';
import { plainFiles, prepareChunk, type Chunking, type CopyChunkTask } from './chunking.ts';
import { makeActivityTest, type ActivityTest, type Attempt } from '../support.ts';

/** A file every thousand seconds: two of them in a pass. */
const SLOW = 0.001;
const INTERVAL_MS = 1_000_000;

describe('copyChunk with a rate that is low', () => {
  let test: ActivityTest;
  let clock: FakeClock;
  let lanes: Lanes;

  beforeEach(async () => {
    clock = new FakeClock();
    lanes = new Lanes({ lanes: 64, followsGuideline: false, clock });
    test = await makeActivityTest({ lanes });
  });

  function start(chunking: Chunking, more: Partial<CopyChunkTask> = {}, attempt = 1) {
    return test.start('copyChunk', { ...chunking.task, filesPerSecond: SLOW, ...more }, { attempt });
  }

  /** Waits until writes of a pass have been answered, and others wait for their time. */
  async function untilPaced(waiting: number): Promise<void> {
    while (lanes.waiting !== waiting || lanes.inUse > 0) await settled();
  }

  /** Has time go on whenever writes wait for it. */
  async function pacedToTheEnd<T>({ result }: Attempt<T>): Promise<T> {
    const attempt = { isOver: false };
    const end = () => {
      attempt.isOver = true;
    };
    result.then(end, end);
    while (!attempt.isOver) {
      await settled();
      if (lanes.waiting > 0) await clock.pass(INTERVAL_MS);
    }
    return await result;
  }

  const written = (chunking: Chunking) => chunking.rewrites().map(({ name }) => name);

  it('writes as many files as it has time for, and leaves the others to the next pass', async () => {
    const chunking = await prepareChunk(test, { files: { ...plainFiles(5), gone: { source: null } } });
    const { counts, leftovers, reason, isOutOfTime } = await pacedToTheEnd(start(chunking));
    assert.deepEqual([counts.completed, counts.failed, leftovers], [2, 1, [102, 103, 104]]);
    assert.deepEqual([isOutOfTime, reason], [true, '']);
    assert.deepEqual(await chunking.states(), { 'file-0': 'Completed', 'file-1': 'Completed', gone: 'Failed' });

    const second = await pacedToTheEnd(start(chunking, { part: 1, only: leftovers }));
    assert.deepEqual([second.counts.completed, second.leftovers, second.isOutOfTime], [2, [104], true]);
    const third = await pacedToTheEnd(start(chunking, { part: 2, only: second.leftovers }));
    assert.deepEqual([third.counts.completed, third.leftovers, third.isOutOfTime], [1, [], undefined]);
    assert.deepEqual(await chunking.states(2), { 'file-4': 'Completed' });
    assert.deepEqual(written(chunking), ['file-0', 'file-1', 'file-2', 'file-3', 'file-4']);
  });

  for (const [what, more, attempt] of [
    ['a later pass', { part: 1 }, 1],
    ['a later chunk', { chunk: 1 }, 1],
    ['a later attempt', {}, 2],
    ['the pass after one that was lost', { isUncertain: true }, 1],
  ] as const) {
    it(`writes the first file of ${what} when its rate allows one more, and not at once`, async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(1) });
      const [file = assert.fail()] = (await test.storage.chunks.readPlan(chunking.correlationId, 0)) ?? [];
      await test.storage.chunks.writePlan(chunking.correlationId, 1, [file]);
      const { result } = start(chunking, more, attempt);
      await untilPaced(1);
      await clock.pass(INTERVAL_MS - 100);
      assert.deepEqual([written(chunking), lanes.waiting], [[], 1]);
      await clock.pass(100);
      assert.equal((await result).counts.completed, 1);
    });
  }

  it('has what failed wait behind the files that were not begun', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(5) });
    chunking.inject('rewrite', answerError(503, { headers: { 'retry-after': '60' } }), { name: 'file-0' });
    const { counts, leftovers, reason, isOutOfTime } = await pacedToTheEnd(start(chunking));
    assert.deepEqual([counts.completed, leftovers, isOutOfTime], [1, [102, 103, 104, 100], true]);
    assert.match(reason, /^STORAGE_UNAVAILABLE: /);
    await pacedToTheEnd(start(chunking, { part: 1, only: leftovers }));
    assert.deepEqual(written(chunking), ['file-0', 'file-1', 'file-2', 'file-3']);
  });

  it('is not out of time where all that it wrote has failed: that is to be paused for, and counted', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(5) });
    chunking.inject('rewrite', answerError(503, { headers: { 'retry-after': '60' } }));
    const { counts, leftovers, isOutOfTime } = await pacedToTheEnd(start(chunking));
    assert.deepEqual([counts.count, leftovers, isOutOfTime], [0, [102, 103, 104, 100, 101], undefined]);
  });

  it('is not out of time where it was stopped', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(5) });
    const { environment, result } = start(chunking);
    await untilPaced(1);
    environment.cancel();
    const { counts, leftovers, isOutOfTime } = await result;
    assert.deepEqual([counts.completed, leftovers.toSorted(), isOutOfTime], [1, [101, 102, 103, 104], undefined]);
  });

  it('counts as retries of a file only the passes in which something failed', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(1) });
    await pacedToTheEnd(start(chunking, { part: 40, tries: 2 }));
    assert.equal((await chunking.record('file-0', 40)).retryCount, 2);
  });
});

describe('a pass over a chunk', () => {
  for (const [rate, files] of [
    [undefined, Infinity],
    [500, 300_000],
    [1, 600],
    [0.01, 6],
    [0.001, 2],
  ] as const) {
    it(`writes ${files} files where ${rate ?? 'any number'} a second are allowed`, () => {
      assert.equal(filesOfPass(rate), files);
    });
  }
});
