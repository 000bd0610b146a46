import assert from 'node:assert/strict';
import { on } from 'node:events';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { seenKey } from '../../../activities/copying/chunk/look-up.ts';
import { Lanes } from '../../../storage/pacing/lanes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import {
  answerError,
  holdAfter,
  holdBefore,
  inCalls,
  meanwhile,
  resetAfter,
  resetBefore,
  type Fault,
} from '../../support/storage-proxy/index.ts';
import { plainFiles, prepareChunk, type Chunking } from './chunking.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('copyChunk, attempt by attempt', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  /** No file was written more than once, and each of the record is at the destination. */
  async function assertTrue(chunking: Chunking, part = 0): Promise<void> {
    const states = await chunking.states(part);
    for (const name of chunking.names) {
      assert.ok(chunking.writes(name) <= 1, `${name} was written ${chunking.writes(name)} times`);
      const isThere = (await chunking.content(name)) === `content of ${name}`;
      assert.equal(states[name] === 'Completed', isThere, `${name} is ${states[name]}`);
    }
  }

  describe('cancelled', () => {
    it('before it began, writes nothing and leaves all over', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const { environment, result } = test.start('copyChunk', chunking.task);
      environment.cancel();
      const { counts, leftovers } = await result;
      assert.deepEqual([counts.count, leftovers], [0, [100, 101, 102, 103, 104]]);
      assert.equal(chunking.rewrites().length, 0);
    });

    it('waits for no listing, and judges nothing by it', async () => {
      const chunking = await prepareChunk(test, { files: { ...plainFiles(5), 'no-such-file': { source: null } } });
      const held = holdBefore();
      chunking.inject('list sources', held);
      const { environment, result } = test.start('copyChunk', chunking.task);
      await held.reached;
      environment.cancel();
      try {
        const { counts, leftovers, isUncertain } = await result;
        assert.deepEqual([counts.count, leftovers.length, isUncertain], [0, 6, undefined]);
      } finally {
        held.release();
      }
      assert.equal(chunking.rewrites().length, 0);
    });

    it('waits for what is in flight, starts nothing, and tells what storage holds', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(90) });
      const held = holdBefore();
      chunking.inject('rewrite', held, { name: 'file-7' });
      const later = test.proxy.nextRequest({ operation: 'rewrite', name: /file-65$/ });
      const { environment, result } = test.start('copyChunk', chunking.task);
      await Promise.all([held.reached, later]);
      environment.cancel();
      const sent = chunking.rewrites().length;
      held.release();
      const { counts, leftovers } = await result;
      // What had a lane at the time may have been on its way to the proxy.
      assert.ok(chunking.rewrites().length <= sent + 64);
      assert.equal(counts.completed + leftovers.length, 90);
      assert.equal((await chunking.states())['file-7'], 'Completed');
      await assertTrue(chunking);
    });

    it('starts nothing that waits for its bucket', async () => {
      const clock = new FakeClock();
      const lanes = new Lanes({ lanes: 64, followsGuideline: false, clock });
      const slow = await makeActivityTest({ lanes });
      const chunking = await prepareChunk(slow, { files: plainFiles(5) });
      const first = slow.proxy.nextRequest({ operation: 'rewrite', bucket: slow.destinationBucket });
      const { environment, result } = slow.start('copyChunk', { ...chunking.task, filesPerSecond: 1 });
      await first;
      environment.cancel();
      const { counts, leftovers } = await result;
      assert.deepEqual([counts.completed, leftovers.length], [1, 4]);
      assert.equal(chunking.rewrites().length, 1);
    });

    it('looks for what was sent and not answered', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(4) });
      const held = holdBefore();
      const { environment, result } = startWithAll(chunking, held, {
        'file-1': resetAfter(),
        'file-2': resetBefore(),
      });
      await held.reached;
      environment.cancel();
      held.release();
      const { leftovers, isUncertain } = await result;
      assert.deepEqual([leftovers, isUncertain], [[102], undefined]);
      await assertTrue(chunking);
    });

    it('leaves over what cannot be looked for', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6) });
      const held = holdBefore();
      chunking.inject('stat', answerError(503));
      const { environment, result } = startWithAll(chunking, held, { 'file-1': resetAfter() });
      await held.reached;
      environment.cancel();
      held.release();
      const { leftovers, isUncertain } = await result;
      assert.deepEqual([leftovers, isUncertain], [[101], true]);
    });

    it('sends no further call of a rewrite', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(1) });
      chunking.inject('rewrite', inCalls(3));
      const held = holdAfter();
      chunking.inject('rewrite', held);
      const { environment, result } = test.start('copyChunk', chunking.task);
      await held.reached;
      environment.cancel();
      held.release();
      assert.deepEqual((await result).leftovers, [100]);
      assert.equal(chunking.rewrites().length, 1);
    });

    /** Holds the rewrites of all files; those given then end so. */
    function startWithAll(chunking: Chunking, held: Fault, faults: Record<string, Fault>) {
      chunking.inject('rewrite', held);
      for (const [name, fault] of Object.entries(faults)) chunking.inject('rewrite', fault, { name });
      return test.start('copyChunk', chunking.task);
    }
  });

  describe('settling', () => {
    it('calls what this job has copied Completed and all else Cancelled, and writes nothing', async () => {
      const files = { ...plainFiles(4), there: { existing: 'content of there' }, other: { existing: 'theirs' } };
      const chunking = await prepareChunk(test, { files, only: [100, 101] });
      await test.run('copyChunk', chunking.task);
      const sent = chunking.rewrites().length;
      const { only: _only, ...task } = chunking.task;
      const { counts, leftovers } = await test.run('copyChunk', { ...task, part: 1, settle: true });
      assert.deepEqual([counts.completed, counts.cancelled, leftovers], [2, 4, []]);
      const states = await chunking.states(1);
      assert.deepEqual(states, {
        ...{ 'file-0': 'Completed', 'file-1': 'Completed', 'file-2': 'Cancelled', 'file-3': 'Cancelled' },
        // The same content, but older than the lock: not this job's.
        ...{ there: 'Cancelled', other: 'Cancelled' },
      });
      assert.match((await chunking.record('other', 1)).message, /^CANCELLED: /);
      assert.equal(chunking.rewrites().length, sent);
    });
  });

  for (const [what, changes] of [
    ['settling', { settle: true }],
    ['another attempt', { isUncertain: true }],
  ] as const) {
    it(`is told nothing by what was seen before anything was written: ${what}`, async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      const { correlationId, chunk, planGeneration } = chunking.task;
      await test.run('copyChunk', chunking.task);
      test.seen.keep(seenKey(correlationId, chunk, planGeneration), {
        ...{ found: new Map(), at: performance.now(), stoodAt: undefined },
      });
      const { counts } = await test.run('copyChunk', { ...chunking.task, part: 1, ...changes });
      assert.deepEqual([counts.completed, counts.cancelled], [3, 0]);
      assert.equal(chunking.rewrites().length, 3);
    });
  }

  describe('finding copies', () => {
    it('tells what this job has copied, leaves the rest over, and writes nothing', async () => {
      const files = { ...plainFiles(4), there: { existing: 'content of there' }, gone: { source: null } };
      const chunking = await prepareChunk(test, { files, only: [100, 101] });
      chunking.inject('store results', answerError(503), { times: 1 });
      await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      const sent = chunking.rewrites().length;
      const { only: _only, ...task } = chunking.task;
      const { counts, leftovers, isUncertain } = await test.run('findCopies', { ...task, isUncertain: true });
      assert.deepEqual(
        [counts.count, counts.completed, leftovers, isUncertain],
        [2, 2, [102, 103, 104, 105], undefined],
      );
      assert.deepEqual(await chunking.states(), { 'file-0': 'Completed', 'file-1': 'Completed' });
      assert.equal(chunking.rewrites().length, sent);
    });

    it('tells what the attempt before has stored', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      await test.run('copyChunk', chunking.task);
      const { counts, leftovers } = await test.run('findCopies', { ...chunking.task, isUncertain: true });
      assert.deepEqual([counts.completed, leftovers], [3, []]);
    });

    it('leaves over what storage does not tell', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6) });
      chunking.inject('list destinations', answerError(403));
      chunking.inject('stat', answerError(403));
      const { counts, leftovers } = await test.run('findCopies', { ...chunking.task, isUncertain: true });
      assert.deepEqual([counts.count, leftovers.length], [0, 6]);
    });
  });

  describe('after an attempt that was lost', () => {
    it('writes nothing twice', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(8, { existing: 'theirs' }) });
      chunking.inject('store results', answerError(503), { times: 1 });
      await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      const { counts } = await test.run('copyChunk', chunking.task, { attempt: 2 });
      assert.equal(counts.completed, 8);
      assert.equal((await chunking.record('file-1')).retryCount, 1);
      await assertTrue(chunking);
    });

    it('finds its own copies also with "never"', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5), overwrite: 'never' });
      chunking.inject('store results', answerError(503), { times: 1 });
      await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      const { counts } = await test.run('copyChunk', chunking.task, { attempt: 2 });
      assert.deepEqual([counts.completed, counts.skipped], [5, 0]);
    });

    it('gives what that one had stored, where only its answer was lost', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const first = await test.run('copyChunk', chunking.task);
      const listings = test.proxy.requestsFromNow({ operation: 'list' });
      assert.deepEqual(await test.run('copyChunk', chunking.task, { attempt: 2 }), first);
      assert.equal(listings().length, 0);
    });

    it('leaves over what that one had not stored', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const some = await test.run('copyChunk', { ...chunking.task, only: [101, 103] });
      const { counts, leftovers } = await test.run('copyChunk', chunking.task, { attempt: 2 });
      assert.deepEqual([counts, leftovers], [some.counts, [100, 102, 104]]);
    });

    it('says of what that one had left over that it may be copied', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      await test.run('copyChunk', { ...chunking.task, only: [101, 103] });
      assert.equal((await test.run('copyChunk', chunking.task, { attempt: 2 })).isAnothers, true);
    });

    it('is found by the next activity, where it was stored and its report was lost', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const some = await test.run('copyChunk', { ...chunking.task, only: [101, 103] });
      const { counts, leftovers, isAnothers } = await test.run('copyChunk', { ...chunking.task, isUncertain: true });
      assert.deepEqual([counts, leftovers, isAnothers], [some.counts, [100, 102, 104], true]);
      assert.equal(chunking.rewrites().length, 2, 'it copies nothing that its part has no room for');
    });

    it('goes by what another attempt stored while it copied, and says that this tells not of all', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const store = meanwhile(async () => {
        const [planned = assert.fail()] = (await test.storage.chunks.readPlan(chunking.correlationId, 0)) ?? [];
        const record = { ...planned, state: 'Failed', message: 'WORKER_LOST: x', size: null } as never;
        await test.storage.chunks.writeResults(chunking.correlationId, 0, 0, [record]);
      });
      chunking.inject('rewrite', store, { name: 'file-4' });
      const { counts, leftovers, isAnothers } = await test.run('copyChunk', chunking.task);
      assert.deepEqual([counts.count, counts.failed, leftovers], [1, 1, [101, 102, 103, 104]]);
      assert.equal(isAnothers, true);
    });

    it('stores nothing and leaves all to the other one, where it comes back to life', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5) });
      const held = holdBefore();
      chunking.inject('rewrite', held, { name: 'file-4', times: 1 });
      const lost = test.start('copyChunk', chunking.task);
      await held.reached;
      const other = await test.run('copyChunk', chunking.task, { attempt: 2 });
      assert.equal(other.counts.completed, 5);
      const details = new ActivityCancellationDetails({ notFound: true });
      lost.environment.cancel('NOT_FOUND', details);
      held.release();
      await failsWith(lost.result, 'WORKER_LOST', { retryable: true });
      await assertTrue(chunking);
    });

    it('goes on with its rewrites in several calls', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2) });
      chunking.inject('rewrite', inCalls(3), { name: 'file-1', times: 1 });
      const held = holdBefore();
      const holdSecond: Fault = (request, proceed) =>
        request.query['rewriteToken'] === undefined ? proceed() : held(request, () => resetBefore()(request, proceed));
      chunking.inject('rewrite', holdSecond, { name: 'file-1' });
      const lost = test.start('copyChunk', chunking.task);
      await held.reached;
      const heartbeatDetails = await heartbeatWithRewrite(lost.environment);
      shutDown(lost.environment);
      held.release();
      await failsWith(lost.result, 'WORKER_LOST', { retryable: true });
      test.proxy.removeFaults();
      const { counts } = await test.run('copyChunk', chunking.task, { attempt: 2, heartbeatDetails });
      assert.equal(counts.completed, 2);
      const [first, second, third] = chunking.rewrites('file-1').map(({ query }) => query['rewriteToken']);
      assert.equal(first, undefined);
      assert.deepEqual([typeof second, third], ['string', second]);
      await assertTrue(chunking);
    });

    it('begins a rewrite anew whose token storage does not know any more', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(5, { isPinned: true }) });
      const [{ source } = assert.fail()] = (await test.storage.chunks.readPlan(chunking.correlationId, 0)) ?? [];
      const rewrites = [
        { index: 100, rewriteToken: 'of-last-week', sourceGeneration: source?.generation ?? '', pin: '0' },
      ];
      const info = { attempt: 2, heartbeatDetails: { rewrites } };
      const { counts } = await test.run('copyChunk', chunking.task, info);
      assert.equal(counts.completed, 5);
      const tokens = chunking.rewrites('file-0').map(({ query }) => query['rewriteToken']);
      assert.deepEqual(tokens, ['of-last-week', undefined]);
    });
  });

  it('leaves the chunk to another attempt when its worker shuts down', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(5) });
    const held = holdBefore();
    chunking.inject('rewrite', held, { name: 'file-4' });
    const { environment, result } = test.start('copyChunk', chunking.task);
    await held.reached;
    shutDown(environment);
    held.release();
    await failsWith(result, 'WORKER_LOST', { retryable: true });
    assert.deepEqual(await chunking.states(), {});
  });

  describe('in the lanes of its worker', () => {
    it('has no more writes in flight than there are lanes, over all chunks', async () => {
      const shared = await makeActivityTest({ lanes: new Lanes({ lanes: 4, followsGuideline: false }) });
      const chunks = await Promise.all([1, 2, 3].map(() => prepareChunk(shared, { files: plainFiles(12) })));
      let inFlight = 0;
      let most = 0;
      shared.proxy.inject({ operation: 'rewrite', bucket: shared.destinationBucket }, async (_request, proceed) => {
        most = Math.max(most, (inFlight += 1));
        const answer = await proceed();
        inFlight -= 1;
        return answer;
      });
      const outcomes = await Promise.all(chunks.map(({ task }) => shared.run('copyChunk', task)));
      assert.deepEqual(
        outcomes.map(({ counts }) => counts.completed),
        [12, 12, 12],
      );
      assert.ok(most <= 4, `${most} in flight`);
    });

    it('writes as many files a second as it may', async () => {
      const clock = new FakeClock();
      const paced = await makeActivityTest({ lanes: new Lanes({ lanes: 64, followsGuideline: false, clock }) });
      const chunking = await prepareChunk(paced, { files: plainFiles(5) });
      const next = () => paced.proxy.nextRequest({ operation: 'rewrite', bucket: paced.destinationBucket });
      let sent = next();
      const { result } = paced.start('copyChunk', { ...chunking.task, filesPerSecond: 2 });
      for (let files = 1; files < 5; files += 1) {
        await sent;
        sent = next();
        assert.equal(chunking.rewrites().length, files);
        await clock.pass(400);
        assert.equal(chunking.rewrites().length, files);
        await clock.pass(105);
      }
      assert.equal((await result).counts.completed, 5);
    });
  });
});

function shutDown(environment: MockActivityEnvironment): void {
  environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
}

/** What a heartbeat carries once there is a rewrite to go on with, as Temporal keeps it. */
async function heartbeatWithRewrite(environment: MockActivityEnvironment): Promise<unknown> {
  for await (const [details] of on(environment, 'heartbeat')) {
    const kept = JSON.parse(JSON.stringify(details)) as { rewrites: unknown[] };
    if (kept.rewrites.length > 0) return kept;
  }
  return undefined;
}
