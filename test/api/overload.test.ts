import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { LIMITS, SERVER_LIMITS, type ApiLimits, type ServerLimits } from '../../api/limits.ts';
import { ServiceUnavailableError, type CopyAnswer, type Reading } from '../../api/jobs/job-service.ts';
import { listen, type Listener } from '../../api/server.ts';
import { assertAnswer, copyBody, ENTRY, file, ID, inputsDouble, page, setUp, signToken, token } from './support.ts';

const ACCEPTED: CopyAnswer = { kind: 'decided', requested: 1, admission: { decision: 'accepted' } };

const LONG = JSON.stringify({ copyFileCollectionData: Array.from({ length: 1_001 }, () => ENTRY) });

/** Jobs that stay undecided until they are let go, and tell when so many are there. */
function heldJobs() {
  const gate = Promise.withResolvers<CopyAnswer>();
  const arrivals = new EventEmitter();
  let arrived = 0;
  return {
    copy: () => {
      arrived += 1;
      arrivals.emit('arrival');
      return gate.promise;
    },
    async arrived(count: number) {
      while (arrived < count) await once(arrivals, 'arrival');
    },
    letGo: () => {
      gate.resolve(ACCEPTED);
    },
  };
}

/** An app behind a real socket. */
async function serve(
  limits: Partial<ApiLimits>,
  more: Parameters<typeof setUp>[0] = {},
  serverLimits: Partial<ServerLimits> = {},
) {
  const listener = await listen('127.0.0.1', 0, { ...SERVER_LIMITS, checkEveryMs: 20, ...serverLimits });
  const api = setUp({ limits: { ...LIMITS, ...limits }, ...more });
  listener.answer(api.app.fetch);
  const post = (body: string, bearer = token) =>
    fetch(`${listener.url}/apollo/files/copy`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body,
    });
  return { ...api, listener, post };
}

function open(listener: Listener): { socket: Socket; received: () => string } {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  return { socket, received: () => text };
}

const head = (length: number) =>
  [
    'POST /apollo/files/copy HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    '',
    '',
  ].join('\r\n');

async function assertRefused(response: Response, status: 429 | 503): Promise<void> {
  assert.equal(await assertAnswer(response, status), null);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
}

describe('too much at a time', () => {
  it('of one caller is answered 429, and others are served meanwhile; then the caller is, too', async () => {
    const held = heldJobs();
    const { listener, post } = await serve({ requests: { total: 3, perCaller: 2 } }, { jobs: { copy: held.copy } });
    const body = JSON.stringify(copyBody(1));
    const first = [post(body), post(body)];
    await held.arrived(2);
    await assertRefused(await post(body), 429);
    const bob = await signToken({ sub: 'bob' });
    const others = post(body, bob);
    await held.arrived(3);
    await assertRefused(await post(body, bob), 503);
    held.letGo();
    for (const response of [...first, others]) await assertAnswer(await response, 200);
    await assertAnswer(await post(body), 200);
    await listener.close(0);
  });

  it('of answers that nobody takes is answered 429, until those who asked have gone', async () => {
    // More than the buffers of both sides of a connection.
    const large = page([file(0, { message: 'x'.repeat(16 * 1024 * 1024) })]);
    const { listener } = await serve(
      { requests: { total: 4, perCaller: 2 }, wholeJobs: { total: 2, perCaller: 1 } },
      { jobs: { page: () => Promise.resolve(large) } },
    );
    const logs = `/apollo/status/logs?correlationId=${ID}`;
    const report = `/apollo/files/copy/${ID}/report`;
    const get = (path: string, bearer = token) =>
      fetch(listener.url + path, { headers: { authorization: `Bearer ${bearer}` } });
    /** Asks, and takes no more than the beginning. */
    const askFor = async (path: string) => {
      const { socket } = open(listener);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      await once(socket, 'data');
      socket.pause();
      return socket;
    };
    const gone = async (path: string, socket: Socket) => {
      socket.destroy();
      // The server hears of it when it does.
      for (;;) {
        const response = await get(path);
        await response.body?.cancel();
        if (response.status === 200) return;
        assert.equal(response.status, 429);
      }
    };

    const first = await askFor(report);
    await assertRefused(await get(report), 429);
    await assertRefused(await get(`/apollo/files/track/${ID}`), 429);
    const bob = await signToken({ sub: 'bob' });
    assert.equal((await (await get(report, bob)).text()).length > 16 * 1024 * 1024, true);
    const second = await askFor(logs);
    await assertRefused(await get(logs), 429);
    await gone(logs, second);
    await gone(report, first);
    await listener.close(0);
  });

  it('of logs of one collection is answered 429, as reports are, and other logs are told meanwhile', async () => {
    const asked = Promise.withResolvers<undefined>();
    const answer = Promise.withResolvers<undefined>();
    const { listener } = await serve(
      { wholeJobs: { total: 1, perCaller: 1 } },
      {
        jobs: {
          page: async (_id, _viewer, { collectionId }) => {
            if (collectionId !== undefined) {
              asked.resolve(undefined);
              await answer.promise;
            }
            return page([file(0)]);
          },
        },
      },
    );
    const logs = `/apollo/status/logs?correlationId=${ID}`;
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(listener.url + path, { headers: { authorization: `Bearer ${token}`, ...headers } });
    const first = get(logs, { ercollectionid: 'copies' });
    await asked.promise;
    await assertRefused(await get(logs, { ercollectionid: 'copies' }), 429);
    await assertRefused(await get(`/apollo/files/copy/${ID}/report`), 429);
    await assertAnswer(await get(logs), 200);
    answer.resolve(undefined);
    await assertAnswer(await first, 200);
    await listener.close(0);
  });

  it('of retries is answered 429, as reports are, until their lists are made', async () => {
    const asked = Promise.withResolvers<Reading>();
    const started = Promise.withResolvers<CopyAnswer>();
    const { listener } = await serve(
      { wholeJobs: { total: 1, perCaller: 1 } },
      {
        jobs: {
          retry: ({ reading }) => {
            asked.resolve(reading);
            return started.promise;
          },
        },
      },
    );
    const path = `/apollo/files/copy/${ID}`;
    const headers = { authorization: `Bearer ${token}` };
    const retry = () => fetch(`${listener.url}${path}/retry`, { method: 'POST', headers });
    const report = () => fetch(`${listener.url}${path}/report`, { headers });
    const first = retry();
    const { onEnd } = await asked.promise;
    await assertRefused(await retry(), 429);
    await assertRefused(await report(), 429);
    onEnd();
    assert.equal((await report()).status, 200);
    started.resolve(ACCEPTED);
    await assertAnswer(await first, 200);
    await listener.close(0);
  });

  it('of retries is over where one has failed', async () => {
    const { post } = setUp({
      limits: { ...LIMITS, wholeJobs: { total: 1, perCaller: 1 } },
      jobs: { retry: () => Promise.reject(new ServiceUnavailableError('storage', null)) },
    });
    for (let round = 0; round < 3; round += 1) await assertRefused(await post(`/apollo/files/copy/${ID}/retry`), 503);
  });

  it('of long lists is answered 429 or 503, while short ones go through', async () => {
    const room = Promise.withResolvers<undefined>();
    const stored = Promise.withResolvers<undefined>();
    let writing = 0;
    const { openInput } = inputsDouble({
      write: async () => {
        writing += 1;
        if (writing === 2) stored.resolve(undefined);
        await room.promise;
      },
    });
    const { listener, post } = await serve({ longBodies: { total: 2, perCaller: 1 } }, { openInput });
    const bob = await signToken({ sub: 'bob' });
    const first = [post(LONG), post(LONG, bob)];
    await stored.promise;
    await assertRefused(await post(LONG), 429);
    await assertRefused(await post(LONG, await signToken({ sub: 'carol' })), 503);
    await assertAnswer(await post(JSON.stringify(copyBody(1))), 200);
    room.resolve(undefined);
    for (const response of first) await assertAnswer(await response, 200);
    await assertAnswer(await post(LONG), 200);
    await listener.close(0);
  });

  it('of bodies that are held until they are whole is answered 429', async () => {
    const { listener, post } = await serve({ heldBytes: { total: 2_000, perCaller: 1_000 } });
    await assertRefused(await post(JSON.stringify(copyBody(20))), 429);
    await assertAnswer(await post(JSON.stringify(copyBody(1))), 200);
    await assertAnswer(await post(JSON.stringify(copyBody(1))), 200);
    await listener.close(0);
  });
});

describe('slow clients', () => {
  it('that stop in the middle of a body are answered 408, and the connection is closed', async () => {
    const { listener, calls } = await serve({ bodyIdleMs: 50 });
    const { socket, received } = open(listener);
    socket.write(`${head(100)}{"copy`);
    await once(socket, 'close');
    assert.match(received(), /^HTTP\/1\.1 408 /);
    assert.match(received(), /connection: close/i);
    assert.match(received(), /"code":"408"/);
    assert.deepEqual(calls, []);
    await listener.close(0);
  });

  it('that send a body drop by drop are answered 408 once that takes too long in all', async () => {
    const { listener, calls } = await serve({ bodyIdleMs: 5_000, bodyTotalMs: 150 });
    const { socket, received } = open(listener);
    socket.write(head(100_000));
    const drops = setInterval(() => socket.write(' '), 10);
    await once(socket, 'close');
    clearInterval(drops);
    assert.match(received(), /^HTTP\/1\.1 408 /);
    assert.deepEqual(calls, []);
    await listener.close(0);
  });

  it('give their place back, and what was stored of their list is given up', async () => {
    const { inputs, openInput } = inputsDouble();
    const limits = { bodyIdleMs: 1_000, longBodies: { total: 1, perCaller: 1 }, requests: { total: 1, perCaller: 1 } };
    const { listener, post } = await serve(limits, { openInput });
    const { socket, received } = open(listener);
    const text = JSON.stringify({ copyFileCollectionData: Array.from({ length: 10_000 }, () => ENTRY) });
    socket.write(head(text.length) + text.slice(0, -10));
    await once(socket, 'close');
    assert.match(received(), /^HTTP\/1\.1 408 /);
    assert.deepEqual(
      inputs.map(({ end }) => end),
      ['aborted'],
    );
    await assertAnswer(await post(LONG), 200);
    await listener.close(0);
  });

  it('that go away in the middle of a long list leave nothing behind', async () => {
    const aborted = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const { openInput } = inputsDouble({
      write: () => {
        begun.resolve(undefined);
        return Promise.resolve();
      },
      abort: () => {
        aborted.resolve(undefined);
        return Promise.resolve();
      },
    });
    const { listener, calls } = await serve({}, { openInput });
    const { socket } = open(listener);
    const text = JSON.stringify({ copyFileCollectionData: Array.from({ length: 10_000 }, () => ENTRY) });
    socket.write(head(text.length) + text.slice(0, -10));
    await begun.promise;
    socket.destroy();
    await aborted.promise;
    assert.deepEqual(calls, []);
    await listener.close(0);
  });

  it('that do not get to the end of their headers are answered 408', async () => {
    const { listener } = await serve({}, {}, { headersTimeoutMs: 50 });
    const { socket, received } = open(listener);
    socket.write('GET /apollo/x HTTP/1.1\r\nHost: x\r\n');
    await once(socket, 'close');
    assert.match(received(), /^HTTP\/1\.1 408 /);
    assert.match(received(), /"code":"408"/);
    await listener.close(0);
  });

  it('that say nothing at all, or nothing more, are disconnected', async () => {
    const { listener: forSilent } = await serve({}, {}, { idleConnectionMs: 100 });
    const { listener: forDone } = await serve({}, {}, { keepAliveMs: 50 });
    const silent = open(forSilent);
    const done = open(forDone);
    done.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await Promise.all([once(silent.socket, 'close'), once(done.socket, 'close')]);
    assert.match(done.received(), /^HTTP\/1\.1 200 /);
    await Promise.all([forSilent.close(0), forDone.close(0)]);
  });

  it('are answered 413 in the middle of a body that is too long', async () => {
    const { listener } = await serve({});
    const { socket, received } = open(listener);
    socket.write(head(65 * 1024 * 1024) + ' '.repeat(1_000));
    while (!received().includes('"code":"413"')) await once(socket, 'data');
    assert.match(received(), /^HTTP\/1\.1 413 /);
    socket.destroy();
    await listener.close(0);
  });

  it('that send no HTTP are answered 400, and headers that are too long 431', async () => {
    const { listener } = await serve({});
    for (const [bytes, status] of [
      ['nonsense\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ] as const) {
      const { socket, received } = open(listener);
      socket.write(bytes);
      await once(socket, 'close');
      assert.match(received(), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(received(), new RegExp(`"code":"${status}"`));
    }
    await listener.close(0);
  });
});

describe('connections', () => {
  it('are closed in good order after so many requests, and not taken past their bound', async () => {
    const { listener } = await serve({}, {}, { requestsPerConnection: 2, connections: 1 });
    const { socket, received } = open(listener);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const refused = open(listener);
    await once(refused.socket, 'close');
    assert.equal(refused.received(), '');
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    assert.match(received(), /Connection: keep-alive[^]*Connection: close/);
    socket.destroy();
    await listener.close(0);
  });
});
