import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts, LOOPBACK } from '../../dev/ports.ts';

async function listenOn(port: number, host: string): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  return server;
}

describe('choosePorts', () => {
  // Of other tests that run at the same time, none takes a port that these have chosen.
  const claims = createPortClaims();
  const anyFree = { anyFree: true, claim: claims.take };

  afterEach(() => claims.release());

  it('takes the usual ports where they are free', async () => {
    const free = await choosePorts({ a: 0, b: 0 }, anyFree);
    assert.deepEqual(await choosePorts(free), free);
  });

  for (const host of [LOOPBACK, '0.0.0.0']) {
    it(`takes another port where somebody listens on ${host}`, async () => {
      const usual = await choosePorts({ api: 0, storage: 0 }, anyFree);
      const server = await listenOn(usual.api, host);
      try {
        const chosen = await choosePorts(usual);
        assert.notEqual(chosen.api, usual.api);
        assert.equal(chosen.storage, usual.storage);
      } finally {
        server.close();
      }
    });
  }

  it('chooses ports that can be listened on, no two the same', async () => {
    const names = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`part${index}`, 1]));
    const ports = Object.values(await choosePorts(names, anyFree));
    assert.equal(new Set(ports).size, 50);
    const server = await listenOn(ports[0]!, LOOPBACK);
    server.close();
  });

  it('is not held up by somebody who connects to a port while it is chosen', async () => {
    const usual = await choosePorts({ first: 0, second: 0 }, anyFree);
    await choosePorts(usual, {
      async claim(port) {
        if (port === usual.second) await once(connect(usual.first, LOOPBACK), 'close');
        return true;
      },
    });
  });

  it('leaves a free port to the stack that has claimed it, until that gives it back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ports-'));
    const [ours, theirs] = [createPortClaims(folder), createPortClaims(folder)];
    const claim = async (port: number) => (await claims.take(port)) && (await theirs.take(port));
    const usual = await choosePorts({ api: 0 }, { anyFree: true, claim });
    assert.notEqual((await choosePorts(usual, { claim: ours.take })).api, usual.api);
    await theirs.release();
    assert.equal((await choosePorts(usual, { claim: ours.take })).api, usual.api);
    await ours.release();
    await rmdir(folder);
  });

  it('stays below the ports of outgoing connections, which could take one while its part restarts', async () => {
    const { port } = await choosePorts({ port: 0 }, anyFree);
    assert.ok(port >= 20_000 && port < 30_000);
  });
});
