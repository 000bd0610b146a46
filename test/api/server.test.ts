import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { listen, type Listener } from '../../api/server.ts';

/** Sends bytes as they are, and gives all that comes back until the server closes. */
async function raw(listener: Listener, text: string): Promise<string> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
  socket.setEncoding('utf8');
  let received = '';
  socket.on('data', (part: string) => (received += part));
  socket.write(text);
  await once(socket, 'close');
  return received;
}

describe('the server', () => {
  it('takes a free port where none is asked for, and says which', async () => {
    const listener = await listen('127.0.0.1', 0);
    listener.answer(() => new Response('hello'));
    assert.match(listener.url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    assert.equal(await (await fetch(listener.url)).text(), 'hello');
    await listener.close(1000);
  });

  it('writes an IPv6 address in brackets', async () => {
    const listener = await listen('::1', 0);
    assert.match(listener.url, /^http:\/\/\[::1\]:\d+$/);
    await listener.close(0);
  });

  it("rejects with the system's error where the port is taken", async () => {
    const listener = await listen('127.0.0.1', 0);
    await assert.rejects(listen('127.0.0.1', Number(new URL(listener.url).port)), { code: 'EADDRINUSE' });
    await listener.close(0);
  });

  it('finishes what is in flight when it closes, and accepts nothing more', async () => {
    const listener = await listen('127.0.0.1', 0);
    const reached = Promise.withResolvers<true>();
    const answer = Promise.withResolvers<Response>();
    listener.answer(() => {
      reached.resolve(true);
      return answer.promise;
    });
    const inFlight = fetch(listener.url);
    await reached.promise;
    const closed = listener.close(5000);
    await assert.rejects(fetch(listener.url), 'no new connection');
    answer.resolve(new Response('finished'));
    assert.equal(await (await inFlight).text(), 'finished');
    await closed;
  });

  it('cuts what does not finish in time', async () => {
    const listener = await listen('127.0.0.1', 0);
    const reached = Promise.withResolvers<true>();
    listener.answer(() => {
      reached.resolve(true);
      return new Promise<Response>(() => undefined);
    });
    const inFlight = assert.rejects(fetch(listener.url));
    await reached.promise;
    await listener.close(5);
    await inFlight;
  });

  it('answers a Host that makes no URL with 400 in the envelope, and does not ask the app', async () => {
    const listener = await listen('127.0.0.1', 0);
    let asked = 0;
    listener.answer(() => {
      asked += 1;
      return new Response();
    });
    const text = await raw(listener, 'GET /apollo/x HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.match(text, /"code":"400"/);
    assert.equal(asked, 0);
    await listener.close(0);
  });

  describe('answers a request that makes no sense from somewhere on', () => {
    let listener: Listener;

    beforeEach(async () => {
      listener = await listen('127.0.0.1', 0);
      listener.answer(async (request) => {
        try {
          return new Response(await request.text());
        } catch {
          return new Response('broke off', { status: 400 });
        }
      });
    });

    afterEach(async () => {
      await listener.close(0);
    });

    const post = (headers: string, body: string) => `POST / HTTP/1.1\r\nhost: a\r\n${headers}\r\n\r\n${body}`;

    for (const [what, bytes] of [
      ['a chunk without a size', post('transfer-encoding: chunked', 'zz\r\nhello')],
      ['a chunk that is longer than it says', post('transfer-encoding: chunked', '2\r\nhello\r\n')],
    ] as const) {
      it(`${what}: with 400, once`, async () => {
        const text = await raw(listener, bytes);
        assert.match(text, /^HTTP\/1\.1 400 /);
        assert.equal(text.split('HTTP/1.1').length, 2);
      });
    }

    it('a body that ends too soon: with 400, once', async () => {
      const socket = connect(Number(new URL(listener.url).port), '127.0.0.1').setEncoding('utf8');
      let text = '';
      socket.on('data', (part: string) => (text += part));
      socket.end(post('content-length: 10', 'hello'));
      await once(socket, 'close');
      assert.match(text, /^HTTP\/1\.1 400 /);
      assert.equal(text.split('HTTP/1.1').length, 2);
    });

    it('what stands behind a whole one: as if that were not there, and hears no more of the connection', async () => {
      const text = await raw(listener, post('content-length: 5', 'hello there is more'));
      assert.match(text, /^HTTP\/1\.1 200 .*hello$/s);
      assert.match(text, /connection: close/i);
    });
  });

  it('hands on an Authorization header that was sent twice as one that is no token', async () => {
    const listener = await listen('127.0.0.1', 0);
    let seen: string | null = null;
    listener.answer((request) => {
      seen = request.headers.get('authorization');
      return new Response();
    });
    const twice = 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n';
    await raw(listener, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${twice}\r\n`);
    assert.equal(seen, 'Bearer a, Bearer b');
    await listener.close(0);
  });

  it('tells a request that is under way when its client has gone', async () => {
    const listener = await listen('127.0.0.1', 0);
    const gone = Promise.withResolvers<undefined>();
    const arrived = Promise.withResolvers<undefined>();
    listener.answer(async ({ signal }) => {
      signal.addEventListener('abort', () => {
        gone.resolve(undefined);
      });
      arrived.resolve(undefined);
      await gone.promise;
      return new Response();
    });
    const client = new AbortController();
    const answer = fetch(listener.url, { method: 'POST', body: '{}', signal: client.signal });
    await arrived.promise;
    client.abort();
    await assert.rejects(answer);
    await gone.promise;
    await listener.close(0);
  });
});
