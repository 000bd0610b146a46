import assert from 'node:assert/strict';
import { on } from 'node:events';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { LOOK_VALID_MS } from '../../../contract/upkeep.ts';
import { usePassedTime } from '../../support/passed-time.ts';
import {
  alterJson,
  holdAfter,
  holdBefore,
  inCalls,
  meanwhile,
  resetBefore,
} from '../../support/storage-proxy/index.ts';
import { prepareCopy, reaches, type Copying } from './copying.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

/** What heartbeats carry of a rewrite. */
interface Details {
  rewriteToken: string;
  sourceGeneration: string;
  pin: string;
}

describe('copyFile, attempt by attempt', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const tokens = (copying: Copying) => copying.rewrites().map(({ query }) => query['rewriteToken']);

  /** Has an attempt fail after its first of four calls, and gives what its last heartbeat said. */
  async function failAfterOneCall(copying: Copying): Promise<Details> {
    copying.inject('rewrite', inCalls(4), { times: 1 });
    const held = holdBefore();
    copying.inject(
      'rewrite',
      async (request, proceed) => {
        if (request.query['rewriteToken'] === undefined) return await proceed();
        return await held(request, () => resetBefore()(request, proceed));
      },
      { times: 2 },
    );
    const { environment, result } = test.start('copyFile', copying.task);
    const failed = failsWith(result, 'STORAGE_UNAVAILABLE', { retryable: true });
    await reaches(failed, held, 'rewrite');
    const details = await heartbeatWithToken(environment);
    held.release();
    await failed;
    return details;
  }

  describe('a rewrite in several calls', () => {
    it('is noted in heartbeats, and gone on with by the next attempt', async () => {
      const copying = await prepareCopy(test, { source: 'a longer content', existing: 'theirs' });
      const heartbeatDetails = await failAfterOneCall(copying);
      const { state } = await test.run('copyFile', copying.task, { attempt: 2, heartbeatDetails });
      assert.equal(state, 'Completed');
      const [first, lost, continued, ...rest] = tokens(copying);
      assert.deepEqual(
        [first, lost, continued],
        [undefined, heartbeatDetails.rewriteToken, heartbeatDetails.rewriteToken],
      );
      assert.equal(rest.length, 2, 'the first call of four is not made again');
      assert.equal(await copying.content(), 'a longer content');
      assert.equal(copying.writes(), 1);
    });

    it('stays noted for the attempt after the next, should that one come to nothing', async () => {
      const copying = await prepareCopy(test);
      const heartbeatDetails = await failAfterOneCall(copying);
      const held = holdBefore();
      copying.inject('stat source', held);
      const { environment, result } = test.start('copyFile', copying.task, { attempt: 2, heartbeatDetails });
      assert.deepEqual(await heartbeatWithToken(environment), heartbeatDetails);
      held.release();
      await result;
    });

    it('is begun anew where the destination has changed', async () => {
      const copying = await prepareCopy(test);
      const heartbeatDetails = await failAfterOneCall(copying);
      await copying.putDestination('theirs');
      const before = copying.rewrites().length;
      const { state } = await test.run('copyFile', copying.task, { attempt: 2, heartbeatDetails });
      assert.equal(state, 'Completed');
      assert.deepEqual(tokens(copying).slice(before), [undefined]);
      assert.equal(await copying.content(), 'content');
    });

    it('is begun anew where the source has changed', async () => {
      const copying = await prepareCopy(test);
      const heartbeatDetails = await failAfterOneCall(copying);
      await copying.putSource('new content');
      const before = copying.rewrites().length;
      const { state } = await test.run('copyFile', copying.task, { attempt: 2, heartbeatDetails });
      assert.equal(state, 'Completed');
      assert.deepEqual(tokens(copying).slice(before), [undefined]);
      assert.equal(await copying.content(), 'new content');
    });

    it('is begun anew where storage does not know the token any more', async () => {
      const copying = await prepareCopy(test);
      const details = await failAfterOneCall(copying);
      const heartbeatDetails = { ...details, rewriteToken: 'of-last-week' };
      const before = copying.rewrites().length;
      const { state } = await test.run('copyFile', copying.task, { attempt: 2, heartbeatDetails });
      assert.equal(state, 'Completed');
      assert.deepEqual(tokens(copying).slice(before), ['of-last-week', undefined]);
      assert.equal(copying.writes(), 1);
    });

    it('is not begun anew for ever where a token of its own is refused', async () => {
      const copying = await prepareCopy(test);
      copying.inject(
        'rewrite',
        alterJson((answer) => ({ ...answer, rewriteToken: 'bad' })),
      );
      copying.inject('rewrite', inCalls(3));
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_REFUSED', { retryable: false });
      assert.deepEqual(tokens(copying), [undefined, 'bad']);
    });
  });

  describe('that was stopped for longer than its heartbeat time-out', () => {
    const TIMEOUT_MS = 10_000;
    const stopFor = usePassedTime();

    /** Begins a copy of three calls, and holds the answer to the first one. */
    async function holdFirstCall(heartbeatTimeoutMs: number) {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', inCalls(3));
      const held = holdAfter();
      copying.inject('rewrite', held, { times: 1 });
      const { result } = test.start('copyFile', copying.task, { heartbeatTimeoutMs });
      await reaches(result, held, 'rewrite');
      return { copying, result, held };
    }

    it('writes nothing more', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('stat lock', held);
      const { result } = test.start('copyFile', copying.task, { heartbeatTimeoutMs: TIMEOUT_MS });
      await reaches(result, held, 'stat lock');
      stopFor(TIMEOUT_MS + 1);
      held.release();
      await failsWith(result, 'WORKER_LOST', { retryable: true });
      assert.equal(copying.rewrites().length, 0);
      assert.equal(await copying.content(), undefined);
    });

    it('sends no further call of a rewrite', async () => {
      const { copying, result, held } = await holdFirstCall(TIMEOUT_MS);
      stopFor(TIMEOUT_MS + 1);
      held.release();
      await failsWith(result, 'WORKER_LOST', { retryable: true });
      assert.equal(copying.rewrites().length, 1);
      assert.equal(copying.writes(), 0);
    });

    it('sends no further call where its lock is another job’s since, however well its heartbeats go out', async () => {
      const { copying, result, held } = await holdFirstCall(60_000);
      const lock = await test.storage.locks.read(copying.task.destination);
      assert.ok(lock !== undefined);
      await test.storage.locks.takeOver(lock, { ...copying.owner, firstRunId: 'later' });
      stopFor(LOOK_VALID_MS + 1);
      held.release();
      await failsWith(result, 'LOCK_LOST', { retryable: false });
      assert.equal(copying.rewrites().length, 1);
      assert.equal(copying.writes(), 0);
    });

    it('goes on where its lock still stands', async () => {
      const { copying, result, held } = await holdFirstCall(60_000);
      stopFor(LOOK_VALID_MS + 1);
      held.release();
      assert.equal((await result).state, 'Completed');
      assert.equal(copying.rewrites().length, 3);
    });

    it('does not come back to life by a heartbeat that is late', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('stat lock', held);
      const { environment, result } = test.start('copyFile', copying.task, { heartbeatTimeoutMs: TIMEOUT_MS });
      await reaches(result, held, 'stat lock');
      await nextHeartbeat(environment);
      stopFor(TIMEOUT_MS + 1);
      let late = 0;
      environment.on('heartbeat', () => (late += 1));
      // Longer than between two heartbeats, so that one would have gone out.
      await new Promise((resolve) => setTimeout(resolve, 450));
      held.release();
      await failsWith(result, 'WORKER_LOST', { retryable: true });
      assert.equal(late, 0);
      assert.equal(copying.rewrites().length, 0);
    });

    it('overwrites nothing of a later job, whose lock and file it finds', async () => {
      const copying = await prepareCopy(test);
      const later = async () => {
        const lock = await test.storage.locks.read(copying.task.destination);
        if (lock !== undefined) await test.storage.locks.takeOver(lock, { ...copying.owner, firstRunId: 'later' });
        await copying.putDestination('of the later job');
        stopFor(TIMEOUT_MS + 1);
      };
      copying.inject('rewrite', meanwhile(later));
      const { result } = test.start('copyFile', copying.task, { heartbeatTimeoutMs: TIMEOUT_MS });
      await assert.rejects(result);
      assert.equal(await copying.content(), 'of the later job');
    });

    it('goes on where it was stopped for less', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('stat lock', held);
      const { environment, result } = test.start('copyFile', copying.task, { heartbeatTimeoutMs: TIMEOUT_MS });
      await reaches(result, held, 'stat lock');
      await nextHeartbeat(environment);
      stopFor(TIMEOUT_MS - 2_000);
      await nextHeartbeat(environment);
      stopFor(2 * TIMEOUT_MS - 4_000);
      held.release();
      assert.equal((await result).state, 'Completed');
    });
  });

  describe('heartbeats', () => {
    it('go out while a call lasts, and end with it', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('rewrite', held);
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'rewrite');
      await nextHeartbeat(environment);
      await nextHeartbeat(environment);
      held.release();
      await result;
      let later = 0;
      environment.on('heartbeat', () => (later += 1));
      await new Promise((resolve) => setTimeout(resolve, 450));
      assert.equal(later, 0);
    });
  });
});

async function nextHeartbeat(environment: MockActivityEnvironment): Promise<unknown> {
  for await (const [details] of on(environment, 'heartbeat')) return details;
  return undefined;
}

async function heartbeatWithToken(environment: MockActivityEnvironment): Promise<Details> {
  for (;;) {
    const details = (await nextHeartbeat(environment)) as Details | undefined;
    if (details !== undefined) return details;
  }
}
