import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { until, within } from '../../../api/jobs/deadlines.ts';
import { sharedTemporal } from '../../support/temporal.ts';

const never = () => new Promise<never>(() => undefined);

/** A client whose calls are never answered, and the signals that it was given to end them. */
function silentClient() {
  const signals: AbortSignal[] = [];
  const client = {
    withDeadline: <T>(_deadline: number, act: () => Promise<T>) => act(),
    withAbortSignal<T>(signal: AbortSignal, act: () => Promise<T>) {
      signals.push(signal);
      return act();
    },
  };
  return { client: client as unknown as Client, signals };
}

describe('a call of Temporal that somebody waits for', () => {
  it('leaves nothing on their signal once it is answered: that may live as long as the process', async () => {
    const { address } = await sharedTemporal();
    // As the API has it.
    const connection = await Connection.connect({ address });
    try {
      const client = new Client({ connection });
      const [gone, stopping] = [new AbortController(), new AbortController()];
      const signal = AbortSignal.any([gone.signal, stopping.signal]);
      const ask = () => client.workflowService.getSystemInfo({});
      const { serverVersion } = await until(client, Date.now() + 20_000, ask, signal);
      assert.match(serverVersion, /^\d+\.\d+/);
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
    } finally {
      await connection.close();
    }
  });

  it('is given up, and ended, once nobody waits any more', async () => {
    const { client, signals } = silentClient();
    const waiting = new AbortController();
    const call = until(client, Date.now() + 60_000, never, waiting.signal);
    waiting.abort();
    await assert.rejects(call, { name: 'DeadlineError' });
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true],
    );
    assert.deepEqual(getEventListeners(waiting.signal, 'abort'), []);
    await assert.rejects(until(client, Date.now() + 60_000, never, waiting.signal), { name: 'DeadlineError' });
    assert.equal(signals.length, 1, 'another one is not even begun');
  });

  it('is given up, and ended, once the time is over', async () => {
    const { client, signals } = silentClient();
    const waiting = new AbortController();
    await assert.rejects(until(client, Date.now() + 10, never, waiting.signal), { name: 'DeadlineError' });
    assert.equal(signals[0]?.aborted, true);
    assert.deepEqual(getEventListeners(waiting.signal, 'abort'), []);
    await assert.rejects(within(client, 10, never), { name: 'DeadlineError' });
  });
});
