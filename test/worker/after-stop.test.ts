import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Pulse, refuseLateTasks } from '../../worker/after-stop.ts';

describe('an activity that begins', () => {
  let now: number;
  let pulse: Pulse;

  beforeEach(() => {
    now = 0;
    pulse = new Pulse({ now: () => now });
  });

  afterEach(() => {
    pulse[Symbol.dispose]();
  });

  /** Begins an activity as a worker does. */
  async function begin({ heartbeatTimeoutMs }: { heartbeatTimeoutMs?: number } = { heartbeatTimeoutMs: 10_000 }) {
    const info = { attempt: 3, ...(heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs }) };
    const { inbound } = refuseLateTasks(pulse)(new MockActivityEnvironment(info).context);
    return await inbound?.execute?.({ args: [], headers: {} }, () => Promise.resolve('done'));
  }

  it('is done', async () => {
    assert.equal(await begin(), 'done');
    now += 600;
    assert.equal(await begin(), 'done');
  });

  it('right after the process was stopped fails, to be tried again: it may be another one’s by now', async () => {
    now += 11_000;
    for (let count = 0; count < 2; count += 1) {
      await assert.rejects(begin(), (error) => {
        assert.ok(error instanceof ApplicationFailure);
        assert.deepEqual([error.type, error.nonRetryable, error.details], ['WORKER_LOST', false, [2]]);
        return true;
      });
      now += 1_000;
    }
  });

  it('some time after that is done', async () => {
    now += 11_000;
    await assert.rejects(begin());
    now += 3_100;
    assert.equal(await begin(), 'done');
  });

  it('and sends no heartbeats is done in any case', async () => {
    now += 11_000;
    assert.equal(await begin({}), 'done');
  });
});
