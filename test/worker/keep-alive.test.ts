import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { keepAlive } from '../../worker/keep-alive.ts';

describe('an activity that is kept alive', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] });
  });

  afterEach(() => {
    mock.timers.reset();
  });

  /** Begins one as a worker does. */
  function begin(info: { heartbeatTimeoutMs?: number }) {
    const environment = new MockActivityEnvironment(info);
    let beats = 0;
    environment.on('heartbeat', () => (beats += 1));
    const end = Promise.withResolvers<string>();
    const { inbound } = keepAlive(environment.context);
    const result = inbound?.execute?.({ args: [], headers: {} }, () => end.promise);
    return { beats: () => beats, end, result };
  }

  it('sends heartbeats for as long as it lasts, and gives what it gives', async () => {
    const { beats, end, result } = begin({ heartbeatTimeoutMs: 5_000 });
    mock.timers.tick(900);
    assert.equal(beats(), 0);
    mock.timers.tick(3_100);
    assert.equal(beats(), 4);
    end.resolve('done');
    assert.equal(await result, 'done');
    mock.timers.tick(5_000);
    assert.equal(beats(), 4);
  });

  it('sends none after it has failed', async () => {
    const { beats, end, result } = begin({ heartbeatTimeoutMs: 5_000 });
    end.reject(new Error('no'));
    await assert.rejects(async () => await result, /no/);
    mock.timers.tick(5_000);
    assert.equal(beats(), 0);
  });

  it('sends none where nobody waits for them', () => {
    const { beats, end } = begin({});
    mock.timers.tick(5_000);
    assert.equal(beats(), 0);
    end.resolve('done');
  });
});
