import assert from 'node:assert/strict';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { MockActivityEnvironment } from '@temporalio/testing';
import {
  answerError,
  holdAfter,
  holdBefore,
  inCalls,
  resetAfter,
  resetBefore,
} from '../../support/storage-proxy/index.ts';
import { prepareCopy, reaches, type Copying } from './copying.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('copyFile, cancelled', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  async function assertNotCopied(copying: Copying, result: Promise<{ state: string; message: string }>): Promise<void> {
    const { state, message, ...rest } = await result;
    assert.equal(state, 'Cancelled');
    assert.match(message, /^CANCELLED: /);
    assert.deepEqual({ ...rest, sourceGeneration: '' }, { ...NOTHING, sourceGeneration: '' });
    assert.equal(copying.writes(), 0);
    assert.equal(await copying.content(), undefined);
  }

  describe('before anything is written', () => {
    it('writes nothing and says Cancelled', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('stat lock', held, { times: 1 });
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'stat lock');
      environment.cancel();
      held.release();
      await assertNotCopied(copying, result);
      assert.equal(copying.rewrites().length, 0);
    });

    it('before it had begun, does the same', async () => {
      const copying = await prepareCopy(test);
      const { environment, result } = test.start('copyFile', copying.task);
      environment.cancel();
      await assertNotCopied(copying, result);
    });

    it('says Completed where an earlier attempt had copied the file', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', resetAfter(), { times: 1 });
      await failsWith(test.run('copyFile', copying.task), 'STORAGE_UNAVAILABLE', { retryable: true });
      const { environment, result } = test.start('copyFile', copying.task, { attempt: 2 });
      environment.cancel();
      assert.equal((await result).state, 'Completed');
      assert.equal(copying.writes(), 1);
    });

    it('between two calls, leaves nothing at the destination', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', inCalls(3));
      const held = holdAfter();
      copying.inject('rewrite', held);
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'rewrite');
      environment.cancel();
      held.release();
      await assertNotCopied(copying, result);
      assert.equal(copying.rewrites().length, 1);
    });
  });

  describe('with a write in flight', () => {
    it('waits for the answer and says Completed', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('rewrite', held);
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'rewrite');
      environment.cancel();
      assert.equal(await Promise.race([result, aWhile()]), 'still waiting');
      held.release();
      assert.equal((await result).state, 'Completed');
      assert.equal(await copying.content(), 'content');
    });

    it('looks where the answer is lost: Completed where the file is there', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs' });
      await endWith(copying, resetAfter(), async (result) => {
        const { state, generation } = await result;
        const { bucket, name } = copying.task.destination;
        assert.equal(state, 'Completed');
        assert.equal(generation, (await test.emulator.statObject(bucket, name))?.generation);
      });
      assert.equal(copying.writes(), 1);
    });

    it('looks where the answer is lost: Cancelled where nothing came of it', async () => {
      const copying = await prepareCopy(test);
      await endWith(copying, resetBefore(), (result) => assertNotCopied(copying, result));
    });

    it('looks where the answer is lost: Cancelled where somebody else has written', async () => {
      const copying = await prepareCopy(test, { existing: 'theirs' });
      await endWith(copying, resetBefore(), async (result) => {
        assert.equal((await result).state, 'Cancelled');
      });
      assert.equal(await copying.content(), 'theirs');
    });

    it('tries again to look where that fails, rather than guess', async () => {
      const copying = await prepareCopy(test);
      await endWith(copying, resetAfter(), async (result) => {
        copying.inject('stat destination', answerError(503), { times: 1 });
        await failsWith(result, 'STORAGE_UNAVAILABLE', { retryable: true });
      });
    });

    it('does not try again what was refused', async () => {
      const copying = await prepareCopy(test);
      await endWith(copying, answerError(412, { reason: 'conditionNotMet' }), (result) =>
        assertNotCopied(copying, result),
      );
      assert.equal(copying.rewrites().length, 1);
    });

    it('says what storage said where that is final', async () => {
      const copying = await prepareCopy(test);
      await endWith(copying, answerError(403, { reason: 'retentionPolicyNotMet' }), (result) =>
        failsWith(result, 'RETENTION_POLICY', { retryable: false }),
      );
    });
  });

  describe('because the worker shuts down', () => {
    it('leaves the file to another attempt, writing nothing', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('stat lock', held, { times: 1 });
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'stat lock');
      shutDown(environment);
      held.release();
      await failsWith(result, 'WORKER_LOST', { retryable: true });
      assert.equal(copying.rewrites().length, 0);
    });

    it('finishes a write that is in flight', async () => {
      const copying = await prepareCopy(test);
      const held = holdBefore();
      copying.inject('rewrite', held);
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'rewrite');
      shutDown(environment);
      held.release();
      assert.equal((await result).state, 'Completed');
    });

    it('sends no further call of a rewrite', async () => {
      const copying = await prepareCopy(test);
      copying.inject('rewrite', inCalls(3));
      const held = holdAfter();
      copying.inject('rewrite', held);
      const { environment, result } = test.start('copyFile', copying.task);
      await reaches(result, held, 'rewrite');
      shutDown(environment);
      held.release();
      await failsWith(result, 'WORKER_LOST', { retryable: true });
      assert.equal(copying.rewrites().length, 1);
    });
  });

  it('because another attempt has its place, leaves the file to that one', async () => {
    const copying = await prepareCopy(test);
    const held = holdBefore();
    copying.inject('stat lock', held, { times: 1 });
    const { environment, result } = test.start('copyFile', copying.task);
    await reaches(result, held, 'stat lock');
    environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
    held.release();
    await failsWith(result, 'WORKER_LOST', { retryable: true });
    assert.equal(copying.rewrites().length, 0);
  });

  /** Cancels while the rewrite is under way, which then ends with this fault. */
  async function endWith(
    copying: Copying,
    fault: Parameters<Copying['inject']>[1],
    check: (
      result: Promise<{
        state: 'Completed' | 'Skipped' | 'Failed' | 'Cancelled';
        message: string;
        generation: string | null;
      }>,
    ) => Promise<void>,
  ): Promise<void> {
    const held = holdBefore();
    copying.inject('rewrite', held);
    copying.inject('rewrite', fault);
    const { environment, result } = test.start('copyFile', copying.task);
    await reaches(result, held, 'rewrite');
    environment.cancel();
    const checked = check(result);
    held.release();
    await checked;
  }
});

const NOTHING = { size: null, crc32c: null, generation: null, retryCount: 0 };

function shutDown(environment: MockActivityEnvironment): void {
  environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
}

/** Long enough for what would happen at once; nothing else rests on it. */
function aWhile(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, 50, 'still waiting'));
}
