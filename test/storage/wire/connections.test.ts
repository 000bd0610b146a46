import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { isStorageError } from '../../../storage/errors.ts';
import type { WireAnswer } from '../../../storage/wire/answer-parser.ts';
import { Connections, type ConnectionsOptions } from '../../../storage/wire/connections.ts';
import { usePassedTime } from '../../support/passed-time.ts';

/** What a server does with a request: sends something, or not, or ends the connection. */
type Script = (socket: Socket, request: string, connection: number) => void;

const REQUEST = 'POST /x HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n';

/** An answer whose body says over which connection it came. */
const answer =
  (...fields: string[]): Script =>
  (socket, _request, connection) => {
    const body = `connection ${connection}`;
    const head = ['HTTP/1.1 200 OK', ...fields, `content-length: ${body.length}`, '', ''].join('\r\n');
    socket.write(head + body);
  };

/** Key and certificate of localhost, which nobody but these tests trusts. */
const TLS_FILES = join(import.meta.dirname, '../../support/tls');

describe('connections to storage', () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  function accept(script: Script): { onConnection: (socket: Socket) => void; opened: Socket[] } {
    const opened: Socket[] = [];
    const onConnection = (socket: Socket) => {
      sockets.push(socket);
      const connection = opened.push(socket);
      socket.on('data', (data: Buffer) => {
        for (const request of data.toString().split(/(?<=\r\n\r\n)/)) script(socket, request, connection);
      });
      // A client that goes away is what some tests are about.
      socket.on('error', () => undefined);
    };
    return { onConnection, opened };
  }

  /** A server that answers by this script, connections to it, and those that it was opened. */
  async function connect(script: Script, options: Partial<ConnectionsOptions> = {}) {
    const { onConnection, opened } = accept(script);
    const server = createServer(onConnection);
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { opened, connections: new Connections({ origin, timeoutMs: 5_000, ...options }) };
  }

  const send = (connections: Connections) =>
    new Promise<WireAnswer>((answered, failed) => {
      connections.send(REQUEST, { answered, failed });
    });
  const isUnavailable = (error: unknown) => isStorageError(error, 'unavailable');

  it('carry one request after the other', async () => {
    const requests: string[] = [];
    const { connections, opened } = await connect((socket, request, connection) => {
      requests.push(request);
      answer()(socket, request, connection);
    });
    for (let count = 0; count < 3; count += 1) assert.equal((await send(connections)).body, 'connection 1');
    assert.equal(opened.length, 1);
    assert.deepEqual(requests, [REQUEST, REQUEST, REQUEST]);
  });

  describe('of a process that is stopped for long, and goes on,', () => {
    const stopFor = usePassedTime();

    for (const [when, reached] of [
      ['before it is sent', () => Promise.resolve()],
      ['while a connection is being made', () => new Promise(setImmediate)],
    ] as const) {
      it(`send no request that it was stopped with ${when}: its sender may have lost the right to it`, async () => {
        const requests: string[] = [];
        const { connections } = await connect((socket, request, connection) => {
          requests.push(request);
          answer()(socket, request, connection);
        });
        const failed = assert.rejects(send(connections), isUnavailable);
        await reached();
        stopFor(11_000);
        await failed;
        // The next one goes as ever.
        assert.equal((await send(connections)).status, 200);
        assert.deepEqual(requests, [REQUEST]);
      });
    }
  });

  it('are as many as there are requests under way, and the one used last is used first', async () => {
    const waiting: (() => void)[] = [];
    const { connections, opened } = await connect((...args) => {
      waiting.push(() => {
        answer()(...args);
      });
    });
    const first = [send(connections), send(connections), send(connections)];
    while (waiting.length < 3) await new Promise(setImmediate);
    for (const tell of waiting.splice(0)) tell();
    const last = (await Promise.all(first)).at(-1)?.body;
    assert.equal(opened.length, 3);
    const next = send(connections);
    while (waiting.length < 1) await new Promise(setImmediate);
    waiting[0]?.();
    assert.equal((await next).body, last);
    assert.equal(opened.length, 3);
  });

  it('are not used again where the answer says so', async () => {
    const { connections, opened } = await connect(answer('connection: close'));
    assert.equal((await send(connections)).body, 'connection 1');
    assert.equal((await send(connections)).body, 'connection 2');
    assert.equal(opened.length, 2);
  });

  it('that storage has ended in the meantime are not used again', async () => {
    const { connections, opened } = await connect(answer());
    await send(connections);
    opened[0]?.end();
    await once(opened[0]!, 'close');
    assert.equal((await send(connections)).body, 'connection 2');
  });

  it('are closed once they have been idle for some time', async () => {
    const { connections, opened } = await connect(answer(), { idleMs: 40 });
    await send(connections);
    await once(opened[0]!, 'close');
    assert.equal((await send(connections)).body, 'connection 2');
  });

  it('on which storage speaks unasked are closed, and their words are nobody’s answer', async () => {
    const { connections, opened } = await connect(answer());
    await send(connections);
    answer()(opened[0]!, '', 666);
    await once(opened[0]!, 'close');
    assert.equal((await send(connections)).body, 'connection 2');
  });

  it('end with an answer that lasts as long as they do', async () => {
    const { connections } = await connect((socket) => socket.end('HTTP/1.1 500 X\r\n\r\nall there is'));
    assert.deepEqual(await send(connections), { status: 500, body: 'all there is', retryAfter: undefined });
  });

  describe('fail a request as unavailable', () => {
    for (const [title, script] of [
      ['that is not answered', () => undefined],
      [
        'whose answer stops half way',
        (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1'),
      ],
    ] as const) {
      it(`${title}, after the time-out`, async () => {
        const { connections, opened } = await connect(script, { timeoutMs: 40 });
        await assert.rejects(send(connections), isUnavailable);
        await once(opened[0]!, 'close');
      });
    }

    for (const [title, script] of [
      ['before its answer', (socket: Socket) => socket.end()],
      ['in the middle of its answer', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1')],
      ['by a reset', (socket: Socket) => socket.resetAndDestroy()],
      ['as its answer is none', (socket: Socket) => socket.write('220 mail.example ESMTP\r\n\r\n')],
    ] as const) {
      it(`whose connection ends ${title}, and send it no second time`, async () => {
        let requests = 0;
        const { connections } = await connect((socket) => {
          requests += 1;
          script(socket);
        });
        await assert.rejects(send(connections), isUnavailable);
        assert.equal(requests, 1);
      });
    }

    it('where nobody listens', async () => {
      const connections = new Connections({ origin: 'http://127.0.0.1:1', timeoutMs: 5_000 });
      await assert.rejects(send(connections), isUnavailable);
    });

    it('and others are carried on', async () => {
      let requests = 0;
      const { connections } = await connect((...args) => {
        requests += 1;
        if (requests === 1) args[0].destroy();
        else answer()(...args);
      });
      const [first, second] = await Promise.allSettled([send(connections), send(connections)]);
      assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
    });
  });

  it('keep the process alive while a request is under way, and no longer', async () => {
    const { opened, connections } = await connect(answer());
    await send(connections);
    const { remoteAddress, localPort } = opened[0]!;
    const wire = join(import.meta.dirname, '../../../storage/wire/connections.ts');
    const program = `
      import { Connections } from ${JSON.stringify(wire)};
      const connections = new Connections({ origin: 'http://${remoteAddress}:${localPort}', timeoutMs: 60_000, idleMs: 60_000 });
      connections.send(${JSON.stringify(REQUEST)}, { answered: ({ body }) => console.log(body), failed: console.error });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 30_000,
    });
    assert.equal(stdout, 'connection 2\n');
  });

  describe('over TLS', () => {
    let trusted: string[];

    before(() => {
      trusted = getCACertificates('default');
    });

    afterEach(() => {
      setDefaultCACertificates(trusted);
    });

    async function connectSecurely(script: Script, host = 'localhost') {
      const [key, cert] = await Promise.all(
        ['key.pem', 'certificate.pem'].map((name) => readFile(join(TLS_FILES, name), 'utf8')),
      );
      const { onConnection, opened } = accept(script);
      const server = createTlsServer({ key, cert, ALPNProtocols: ['h2', 'http/1.1'] }, onConnection);
      // A client that does not trust it ends the connection.
      server.on('tlsClientError', () => undefined);
      servers.push(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const origin = `https://${host}:${(server.address() as AddressInfo).port}`;
      return { opened, cert: cert!, connections: new Connections({ origin, timeoutMs: 5_000 }) };
    }

    for (const host of ['localhost', '127.0.0.1']) {
      it(`to ${host}, speaking HTTP/1.1, are what they are without it`, async () => {
        const { connections, cert, opened } = await connectSecurely(answer(), host);
        setDefaultCACertificates([cert]);
        assert.equal((await send(connections)).body, 'connection 1');
        assert.equal((await send(connections)).body, 'connection 1');
        const { alpnProtocol, servername } = opened[0] as TLSSocket & { servername?: unknown };
        assert.deepEqual([alpnProtocol, servername], ['http/1.1', host === 'localhost' && host]);
      });
    }

    it('begin with the session of the one before', async () => {
      const { connections, cert, opened } = await connectSecurely(answer('connection: close'));
      setDefaultCACertificates([cert]);
      await send(connections);
      await send(connections);
      const [first, second] = opened as unknown as TLSSocket[];
      assert.ok(!first?.isSessionReused());
      assert.ok(second?.isSessionReused());
    });

    it('send nothing to whom nobody vouches for', async () => {
      let requests = 0;
      const { connections } = await connectSecurely(() => (requests += 1));
      await assert.rejects(send(connections), isUnavailable);
      assert.equal(requests, 0);
    });
  });
});
