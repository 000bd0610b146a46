import assert from 'node:assert/strict';
import type { ReasonCode } from '../../../contract/reasons.ts';
import {
  alterJson,
  answerError,
  holdBefore,
  inCalls,
  meanwhile,
  resetAfter,
  resetBefore,
  type Fault,
} from '../../support/storage-proxy/index.ts';
import { plainFiles, prepareChunk, type Chunking } from './chunking.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('copyChunk, where storage fails', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  /** The file `file-1` ended so, and all others are copied. */
  async function assertFailedAlone(chunking: Chunking, code: ReasonCode): Promise<void> {
    const states = await chunking.states();
    assert.deepEqual(states, { ...allCompleted(chunking), 'file-1': 'Failed' });
    const { message } = await chunking.record('file-1');
    assert.ok(message.startsWith(`${code}: `), message);
  }

  function allCompleted({ names }: Chunking): Record<string, string> {
    return Object.fromEntries(names.map((name) => [name, 'Completed']));
  }

  describe('tries again in place', () => {
    for (const [title, fault] of [
      ['429', answerError(429, { reason: 'rateLimitExceeded' })],
      ['503', answerError(503)],
      ['a reset connection', resetBefore()],
    ] as const) {
      it(`after ${title}`, async () => {
        const chunking = await prepareChunk(test, { files: plainFiles(3) });
        chunking.inject('rewrite', fault, { name: 'file-1', times: 1 });
        const { counts, leftovers } = await test.run('copyChunk', chunking.task);
        assert.deepEqual([counts.completed, leftovers], [3, []]);
        assert.equal((await chunking.record('file-1')).retryCount, 1);
        assert.equal((await chunking.record('file-0')).retryCount, 0);
        assert.equal(chunking.writes('file-1'), 1);
      });
    }

    it('after as long as Retry-After asks', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(1) });
      chunking.inject('rewrite', answerError(503, { headers: { 'retry-after': '1' } }), { times: 1 });
      await test.run('copyChunk', chunking.task);
      const [first, second] = test.proxy.requests({ operation: 'rewrite', name: /file-0$/ }).slice(-2);
      const waited = (second?.arrivedAt.monotonic ?? 0) - (first?.answeredAt?.monotonic ?? 0);
      assert.ok(waited >= 990, `${waited} ms`);
    });

    it('and finds what it had written, where only the answer was lost', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3, { existing: 'theirs' }) });
      chunking.inject('rewrite', resetAfter(), { times: 3 });
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 3);
      for (const name of chunking.names) assert.equal(chunking.writes(name), 1);
    });

    it('a source that was replaced, which is then copied as it is', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2) });
      const replace = meanwhile(() => chunking.putSource('file-1', 'replaced'));
      chunking.inject('rewrite', replace, { name: 'file-1', times: 1 });
      const { counts, reason } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 2);
      assert.match(reason, /^SOURCE_CHANGED: /);
      assert.equal(await chunking.content('file-1'), 'replaced');
    });
  });

  describe('leaves over', () => {
    const forLong = answerError(429, { headers: { 'retry-after': '60' } });

    it('what storage asks to leave alone for long, with the reason', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      chunking.inject('rewrite', forLong, { name: 'file-1' });
      const { counts, leftovers, reason, isUncertain } = await test.run('copyChunk', chunking.task);
      assert.deepEqual([counts.count, counts.completed, leftovers, isUncertain], [2, 2, [101], undefined]);
      assert.match(reason, /^STORAGE_RATE_LIMITED: /);
      assert.deepEqual(await chunking.states(), { 'file-0': 'Completed', 'file-2': 'Completed' });
    });

    it('what goes on failing, which another pass copies', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2) });
      chunking.inject('rewrite', resetBefore(), { name: 'file-1' });
      const { leftovers, reason } = await test.run('copyChunk', chunking.task);
      assert.deepEqual(leftovers, [101]);
      assert.match(reason, /^STORAGE_UNAVAILABLE: /);
      test.proxy.removeFaults();
      const again = await test.run('copyChunk', { ...chunking.task, part: 1, only: leftovers });
      assert.deepEqual([again.counts.completed, again.leftovers], [1, []]);
      assert.deepEqual(await chunking.states(1), { 'file-1': 'Completed' });
      assert.equal((await chunking.record('file-1', 1)).retryCount, 1);
    });

    it('what it may have copied, and says so: whoever ends the job before the next pass has to look', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      chunking.inject('rewrite', inTurn(resetAfter(), forLong), { name: 'file-1' });
      const { leftovers, isUncertain } = await test.run('copyChunk', chunking.task);
      assert.deepEqual([leftovers, isUncertain], [[101], true]);
      assert.equal(await chunking.content('file-1'), 'content of file-1');
    });

    it('nothing at the last try: it ends as failed', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3), lastTry: true });
      chunking.inject('rewrite', forLong, { name: 'file-1' });
      const { leftovers } = await test.run('copyChunk', chunking.task);
      assert.deepEqual(leftovers, []);
      await assertFailedAlone(chunking, 'STORAGE_RATE_LIMITED');
    });

    it('nothing at the last try: it is looked for where its answer was lost', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3), lastTry: true });
      chunking.inject('rewrite', inTurn(resetAfter(), forLong), { name: 'file-1' });
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 3);
      assert.equal(chunking.writes('file-1'), 1);
    });

    it('nothing at the last try: where it cannot be told, the chunk is tried again', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3), lastTry: true });
      chunking.inject('rewrite', inTurn(resetAfter(), forLong), { name: 'file-1' });
      chunking.inject('stat', answerError(503), { name: 'file-1' });
      await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      assert.deepEqual(await chunking.states(), {});
    });

    it('nothing at the last try: where storage refuses to tell, that file fails alone', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3), lastTry: true });
      chunking.inject('rewrite', inTurn(resetBefore(), forLong), { name: 'file-1' });
      chunking.inject('stat', answerError(403), { name: 'file-1' });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'STORAGE_FORBIDDEN');
    });
  });

  describe('where others write a destination meanwhile', () => {
    const write = (chunking: Chunking) => meanwhile(() => chunking.putDestination('file-1', 'theirs'));

    it('pins again and overwrites with "always"', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2) });
      chunking.inject('rewrite', write(chunking), { name: 'file-1', times: 2 });
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 2);
      assert.equal(await chunking.content('file-1'), 'content of file-1');
      assert.equal(chunking.rewrites('file-1').length, 3);
    });

    it('gives up at the third time', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      chunking.inject('rewrite', write(chunking), { name: 'file-1' });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'DESTINATION_CHANGED');
      assert.equal(await chunking.content('file-1'), 'theirs');
    });

    it('skips with "never"', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2), overwrite: 'never' });
      chunking.inject('rewrite', write(chunking), { name: 'file-1', times: 1 });
      await test.run('copyChunk', chunking.task);
      assert.deepEqual(await chunking.states(), { 'file-0': 'Completed', 'file-1': 'Skipped' });
      assert.equal(await chunking.content('file-1'), 'theirs');
    });

    it('looks at the lock again before it overwrites', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      const take = meanwhile(async () => {
        await chunking.breakLock();
        await chunking.putDestination('file-1', 'of the later job');
      });
      chunking.inject('rewrite', take, { name: 'file-1', times: 1 });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'LOCK_LOST');
      assert.equal(await chunking.content('file-1'), 'of the later job');
    });
  });

  it('writes nothing where the lock is lost', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(70) });
    await chunking.breakLock();
    const { counts } = await test.run('copyChunk', chunking.task);
    assert.equal(counts.failed, 70);
    assert.match((await chunking.record('file-1')).message, /^LOCK_LOST: /);
    assert.equal(chunking.rewrites().length, 0);
  });

  it('writes nothing where it cannot see that the lock stands', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(3) });
    chunking.inject('look at lock', answerError(403, { reason: 'forbidden' }));
    await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_FORBIDDEN', { retryable: true });
    assert.equal(chunking.rewrites().length, 0);
  });

  describe('fails one file for good', () => {
    it('whose source does not exist', async () => {
      const files = { ...plainFiles(5), 'file-1': { source: null } };
      const chunking = await prepareChunk(test, { files });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'SOURCE_NOT_FOUND');
      assert.equal(chunking.rewrites('file-1').length, 0);
    });

    it('whose source is deleted during the copy', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3, { isPinned: true }) });
      const remove = meanwhile(() => chunking.deleteSource('file-1'));
      chunking.inject('rewrite', remove, { name: 'file-1' });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'SOURCE_NOT_FOUND');
    });

    it('but not one that was copied before its source went, its answer lost', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(2) });
      const remove: Fault = async (request, proceed) => {
        await proceed();
        await chunking.deleteSource('file-1');
        return await resetBefore()(request, proceed);
      };
      chunking.inject('rewrite', remove, { name: 'file-1', times: 1 });
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 2);
    });

    for (const [title, fault, code] of [
      ['that a retention policy keeps', answerError(403, { reason: 'retentionPolicyNotMet' }), 'RETENTION_POLICY'],
      ['that storage refuses', answerError(400, { reason: 'invalid' }), 'STORAGE_REFUSED'],
      ['that storage forbids', answerError(403, { reason: 'forbidden' }), 'STORAGE_FORBIDDEN'],
      ['whose copy has another checksum', alterJson(withChecksum), 'CHECKSUM_MISMATCH'],
    ] as const) {
      it(title, async () => {
        const chunking = await prepareChunk(test, { files: plainFiles(3) });
        chunking.inject('rewrite', fault, { name: 'file-1' });
        const { leftovers } = await test.run('copyChunk', chunking.task);
        assert.deepEqual(leftovers, []);
        await assertFailedAlone(chunking, code);
        assert.equal(chunking.rewrites('file-1').length, 1);
      });
    }

    it('and all of them where the bucket of the destination does not exist', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6) });
      const [originals, copies] = chunking.task.collections;
      const [lock] = chunking.task.locks;
      assert.ok(originals && copies && lock);
      const bucket = 'no-such-bucket';
      // The lock that is looked at is that of the bucket there is.
      test.proxy.inject({ operation: 'stat', name: /^locks\// }, () =>
        Promise.resolve({
          status: 200,
          headers: {},
          body: Buffer.from(JSON.stringify({ generation: lock.generation })),
        }),
      );
      const task = { ...chunking.task, collections: [originals, { ...copies, bucket }], locks: [{ ...lock, bucket }] };
      const { counts } = await test.run('copyChunk', task);
      assert.equal(counts.failed, 6);
      assert.match((await chunking.record('file-1')).message, /^DESTINATION_NOT_FOUND: /);
    });
  });

  describe('reads the two sides', () => {
    it('one by one where it may not list', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6, { existing: 'theirs' }) });
      for (const side of ['list sources', 'list destinations'] as const) {
        chunking.inject(side, answerError(403, { reason: 'forbidden' }));
      }
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 6);
      assert.equal(await chunking.content('file-1'), 'content of file-1');
    });

    it('and fails those that it may not read either', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6) });
      chunking.inject('list destinations', answerError(403, { reason: 'forbidden' }));
      chunking.inject('stat', answerError(403, { reason: 'forbidden' }), { name: 'file-1' });
      await test.run('copyChunk', chunking.task);
      await assertFailedAlone(chunking, 'STORAGE_FORBIDDEN');
    });

    it('in another attempt where storage does not answer, having written nothing', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6) });
      chunking.inject('list destinations', answerError(503));
      await failsWith(test.run('copyChunk', chunking.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      assert.equal(chunking.rewrites().length, 0);
    });
  });

  it('sends as many calls as a rewrite takes, pinned as the first', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(3, { existing: 'theirs' }) });
    chunking.inject('rewrite', inCalls(4));
    const { counts } = await test.run('copyChunk', chunking.task);
    assert.equal(counts.completed, 3);
    const pins = chunking
      .rewrites('file-1')
      .map(({ query }) => [query['sourceGeneration'], query['ifGenerationMatch']]);
    assert.equal(pins.length, 4);
    for (const pin of pins) assert.deepEqual(pin, pins[0]);
    assert.equal(chunking.writes('file-1'), 1);
  });

  it('does not wait for one file with the others', async () => {
    const chunking = await prepareChunk(test, { files: plainFiles(70) });
    const held = holdBefore();
    chunking.inject('rewrite', held, { name: 'file-1' });
    const last = test.proxy.nextRequest({ operation: 'rewrite', name: /file-69$/ });
    const { result } = test.start('copyChunk', chunking.task);
    await Promise.all([held.reached, last]);
    held.release();
    assert.equal((await result).counts.completed, 70);
  });
});

/** One fault for the first request, the other for all that follow. */
function inTurn(first: Fault, then: Fault): Fault {
  let requests = 0;
  return (request, proceed) => ((requests += 1) === 1 ? first : then)(request, proceed);
}

/** An answer to a rewrite that tells of another checksum. */
function withChecksum(answer: Record<string, unknown>): unknown {
  return { ...answer, resource: { ...(answer['resource'] as object), crc32c: 'AAAAAA==' } };
}
