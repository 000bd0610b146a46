import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { listen, type Listener } from '../../api/server.ts';
import { ID, page, setUp, token } from './support.ts';

interface Told {
  status: number | undefined;
  connection: string | undefined;
}

/** Sends a request over the connections of an agent, and gives what is told before the body of the answer. */
function ask(agent: Agent, { url }: Listener, method: string, path: string, body?: string): Promise<Told> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { agent, method, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        resolve({ status: answer.statusCode, connection: answer.headers.connection });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('a request that is answered before all of its body is read', () => {
  const COPY = '/apollo/files/copy';
  const LOGS = `/apollo/status/logs?correlationId=${ID}`;
  const NO_JSON = 'x'.repeat(2_000_000);

  let listener: Listener;
  let agent: Agent;

  beforeEach(async () => {
    listener = await listen('127.0.0.1', 0);
    listener.answer(setUp({ jobs: { page: () => Promise.resolve(page([])) } }).app.fetch);
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  });

  afterEach(async () => {
    agent.destroy();
    await listener.close(0);
  });

  it('is the last one on its connection: the next one, of whomever, is answered', async () => {
    for (let round = 0; round < 5; round += 1) {
      assert.deepEqual(await ask(agent, listener, 'POST', COPY, NO_JSON), { status: 400, connection: 'close' });
      for (let next = 0; next < 3; next += 1) {
        assert.deepEqual(await ask(agent, listener, 'GET', LOGS), { status: 200, connection: 'keep-alive' });
      }
    }
  });

  it('is told from one that is wrong, and was read: that leaves its connection to others', async () => {
    assert.deepEqual(await ask(agent, listener, 'POST', COPY, '{"x":1}'), { status: 400, connection: 'keep-alive' });
    const whole = JSON.stringify({ copyFileCollectionData: [], more: 'x'.repeat(100_000) });
    assert.deepEqual(await ask(agent, listener, 'POST', COPY, whole), { status: 400, connection: 'keep-alive' });
  });
});
