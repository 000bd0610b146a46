import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { makeBareNamespace } from '../support/bare-namespace.ts';
import { makeTestStorage } from '../support/emulator.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually } from '../workflows/support.ts';

/** Settings of a process whose dependencies all are at a closed port: it starts without them. */
const SETTINGS = {
  CONTROL_BUCKET: 'control',
  IMS_ISSUER: 'https://ims.example.com',
  IMS_JWKS_URL: 'http://127.0.0.1:9/keys',
  STORAGE_EMULATOR_HOST: 'http://127.0.0.1:9',
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  PORT: '0',
};

/** `npm run api` with these settings and no others. */
function start(settings: Record<string, string>) {
  const child = spawn(process.execPath, ['api/main.ts'], {
    env: { PATH: process.env.PATH ?? '', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  return { child, exited, stderr: text(child.stderr) };
}

interface Line {
  msg: string;
  dependency?: string;
  err?: { message: string };
}

/** What the line tells that says where the API listens, and the lines before it. */
async function listening({ child }: ReturnType<typeof start>) {
  const before: Line[] = [];
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line) as Line & { url: string; publicUrl: string };
    if (entry.msg === 'api listening') return { ...entry, before };
    before.push(entry);
  }
  throw new Error('ended without listening');
}

describe('the API process', function () {
  this.timeout(60_000);

  it('exits 78 with one line that names every setting that is missing', async () => {
    const { exited, stderr } = start({});
    assert.deepEqual(await exited, [78, null]);
    assert.match(await stderr, /^apollo api: [^\n]*CONTROL_BUCKET [^\n]*IMS_ISSUER [^\n]*IMS_JWKS_URL [^\n]*\n$/);
  });

  it('exits 78 with one line where its credentials are not there', async () => {
    const credentials = { STORAGE_EMULATOR_HOST: '', GOOGLE_APPLICATION_CREDENTIALS: '/no/such/file' };
    const { exited, stderr } = start({ ...SETTINGS, ...credentials });
    assert.deepEqual(await exited, [78, null]);
    assert.match(await stderr, /^apollo api: GOOGLE_APPLICATION_CREDENTIALS [^\n]*\n$/);
  });

  it('exits 78 with one line where the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { exited, stderr } = start({ ...SETTINGS, PORT: String(port) });
    assert.deepEqual(await exited, [78, null]);
    const line = `apollo api: PORT ${port} cannot be listened on at HOST 127.0.0.1: the port is taken\n`;
    assert.equal(await stderr, line);
    server.close();
  });

  it('exits 78 with one line that names what does not exist, the namespace or the control bucket', async () => {
    const [{ address }, storage] = await Promise.all([sharedTemporal(), makeTestStorage()]);
    const there = { CONTROL_BUCKET: storage.controlBucket, STORAGE_EMULATOR_HOST: storage.proxy.url };
    const namespace = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'nons' };
    const bucket = { ...there, CONTROL_BUCKET: 'nobucket' };
    const noNamespace = 'TEMPORAL_NAMESPACE names a namespace that does not exist: nons';
    const noBucket = 'the control bucket nobucket (CONTROL_BUCKET) does not exist';
    const endsWith = async (settings: Record<string, string>, problem: string) => {
      const { exited, stderr } = start({ ...SETTINGS, ...settings });
      assert.deepEqual(await exited, [78, null]);
      assert.equal(await stderr, `apollo api: ${problem}\n`);
    };
    await Promise.all([endsWith({ ...there, ...namespace }, noNamespace), endsWith(bucket, noBucket)]);
  });

  it('listens while storage is slow to answer, and exits 78 once that says that there is no such bucket', async () => {
    const held = Promise.withResolvers<undefined>();
    const storage = createHttpServer((_request, response) => {
      held.promise.then(() => response.writeHead(404).end(), assert.fail);
    });
    await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
    const { port } = storage.address() as AddressInfo;
    const api = start({ ...SETTINGS, STORAGE_EMULATOR_HOST: `http://127.0.0.1:${port}` });
    await listening(api);
    held.resolve(undefined);
    assert.deepEqual(await api.exited, [78, null]);
    assert.match(await api.stderr, /^apollo api: the control bucket control \(CONTROL_BUCKET\) does not exist\n$/);
    storage.close();
  });

  it('starts in a namespace without search attributes, says so, and is not ready until they are made', async () => {
    const [{ address }, storage, { name, makeAttributes }] = await Promise.all([
      sharedTemporal(),
      makeTestStorage(),
      makeBareNamespace(),
    ]);
    const there = { CONTROL_BUCKET: storage.controlBucket, STORAGE_EMULATOR_HOST: storage.proxy.url };
    const api = start({ ...SETTINGS, ...there, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: name });
    try {
      const { url, before } = await listening(api);
      const [said] = before.filter(({ msg }) => msg === 'not ready');
      assert.equal(said?.dependency, 'temporal');
      assert.match(said.err?.message ?? '', /lacks search attributes \(CopyRequestor, CopyState\): temporal operator /);
      const readiness = async () => (await fetch(`${url}/readyz`)).status;
      assert.equal(await readiness(), 503);
      await makeAttributes();
      await eventually(async () => (await readiness()) === 200, 20_000);
    } finally {
      api.child.kill('SIGKILL');
    }
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`listens, is alive without its dependencies, and exits 0 at ${signal}`, async () => {
      const api = start(SETTINGS);
      try {
        const { url, publicUrl } = await listening(api);
        assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
        assert.equal(publicUrl, url, 'where PUBLIC_URL is not set');
        assert.equal((await fetch(`${url}/healthz`)).status, 200);
        api.child.kill(signal);
        assert.deepEqual(await api.exited, [0, null]);
      } finally {
        api.child.kill('SIGKILL');
      }
    });
  }

  it('takes PUBLIC_URL for the URLs it gives out', async () => {
    const api = start({ ...SETTINGS, PUBLIC_URL: 'https://apollo.example.com/' });
    try {
      const { url, publicUrl } = await listening(api);
      assert.equal(publicUrl, 'https://apollo.example.com');
      const document = (await (await fetch(`${url}/openapi.json`)).json()) as { servers: unknown };
      assert.deepEqual(document.servers, [{ url: publicUrl }]);
    } finally {
      api.child.kill('SIGKILL');
    }
  });
});
