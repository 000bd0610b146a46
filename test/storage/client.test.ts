import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { pino } from 'pino';
import { accessStorage, type StorageAccess } from '../../storage/client.ts';
import { HttpRewriteTransport } from '../../storage/http-rewrite-transport.ts';
import { createStorage } from '../../storage/index.ts';
import { JsonApi } from '../../storage/json-api.ts';
import { statusOf, type StorageObserver } from '../../storage/observer.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, meanwhile } from '../support/storage-proxy/index.ts';
import { failsAs, storageError } from './assertions.ts';

const ANY = { method: 'GET', path: '/storage/v1/b/c' } as const;

async function rewriteOver(
  access: StorageAccess & { observer?: StorageObserver },
  timeoutMs = 1_000,
): Promise<unknown> {
  const source = { bucket: 'from', name: 'a', generation: '1' };
  const transport = new HttpRewriteTransport({ ...access, timeoutMs });
  return await transport.rewrite({ source, destination: { bucket: 'to', name: 'a' }, ifGenerationMatch: '0' });
}

describe('client of an emulator', () => {
  let storage: TestStorage;
  let folder: string;
  const environment = { ...process.env };

  before(async () => {
    storage = await makeTestStorage();
    folder = await mkdtemp(join(tmpdir(), 'apollo-test-'));
    // Credentials that could be used, so that using them would show.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const credentials = join(folder, 'credentials.json');
    const account = {
      ...{ type: 'service_account', project_id: 'p', client_email: 'someone@example.org', client_id: '1' },
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    };
    await writeFile(credentials, JSON.stringify(account));
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = credentials;
  });

  after(async () => {
    process.env = environment;
    await rm(folder, { recursive: true });
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  for (const isSet of [true, false]) {
    it(`never sends credentials, STORAGE_EMULATOR_HOST being ${isSet ? 'set' : 'unset'}`, async () => {
      if (isSet) process.env['STORAGE_EMULATOR_HOST'] = storage.proxy.url;
      else delete process.env['STORAGE_EMULATOR_HOST'];
      const { sourceBucket: bucket, destinationBucket } = storage;
      const authorizations: (string | undefined)[] = [];
      const note = meanwhile(({ headers }) => Promise.resolve(authorizations.push(headers.authorization)));
      storage.proxy.inject({}, note);

      const { objects, transport } = storage.connect();
      const written = await objects.write({ bucket, name: 'a' }, '{}');
      await objects.stat(written);
      await objects.readJson(written);
      await objects.readText(written);
      await Array.fromAsync(objects.list({ bucket }));
      const destination = { bucket: destinationBucket, name: isSet ? 'set' : 'unset' };
      await transport.rewrite({ source: written, destination, ifGenerationMatch: '0' });
      await objects.remove(written);
      assert.deepEqual(
        authorizations,
        Array.from({ length: 7 }, () => undefined),
      );
    });
  }
});

/**
 * Has Google's client library find an account whose tokens this server gives, who is told what it was asked with; it never
 * answers where it is given nothing.
 */
async function withTokens(
  answer: (asked: string) => { status: number; body: object } | undefined,
  subjectToken: string,
  use: () => Promise<void>,
): Promise<void> {
  const exchange = createServer((request, response) => {
    text(request).then(
      (asked) => {
        const given = answer(asked);
        if (given === undefined) return;
        response.writeHead(given.status, { 'content-type': 'application/json' }).end(JSON.stringify(given.body));
      },
      () => response.destroy(),
    );
  });
  await once(exchange.listen(0, '127.0.0.1'), 'listening');
  const { port } = exchange.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'apollo-test-'));
  const environment = { ...process.env };
  try {
    const subject = join(folder, 'subject.txt');
    await writeFile(subject, subjectToken);
    const account = {
      ...{ type: 'external_account', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
      ...{ token_url: `http://127.0.0.1:${port}/token`, credential_source: { file: subject } },
    };
    const credentials = join(folder, 'credentials.json');
    await writeFile(credentials, JSON.stringify(account));
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = credentials;
    await use();
  } finally {
    process.env = environment;
    exchange.close();
    exchange.closeAllConnections();
    await rm(folder, { recursive: true });
  }
}

describe('client of Cloud Storage', () => {
  const CONFIG = { controlBucket: 'c', projectId: 'p', emulatorHost: undefined };

  it('tells nothing of credentials that are refused, in the log or in a failure of Temporal', async () => {
    const secret = 'the-subject-token';
    const exchanges: string[] = [];
    const refuse = (asked: string) => {
      exchanges.push(asked);
      return { status: 400, body: { error: 'invalid_grant' } };
    };
    await withTokens(refuse, secret, async () => {
      const { objects } = createStorage(CONFIG, { autoRetry: false });
      const error = await storageError(objects.stat({ bucket: 'c', name: 'a' }));
      assert.ok(exchanges.length >= 1 && exchanges.every((body) => body.includes(secret)), 'it was sent');
      let log = '';
      pino({}, { write: (line: string) => (log += line) }).error({ err: error }, 'failed');
      const failure = JSON.stringify(defaultFailureConverter.errorToFailure(error, defaultPayloadConverter));
      for (const told of [log, failure]) {
        assert.match(told, /no credentials for Cloud Storage/);
        assert.ok(!told.includes(secret));
      }
    });
  });

  it('fetches credentials anew where storage refuses them before they expire, once for all that were refused', async () => {
    let issued = 0;
    const issue = () => {
      const token = { access_token: `token ${(issued += 1)}`, expires_in: 3_600, token_type: 'Bearer' };
      const more = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
      return { status: 200, body: { ...token, ...more } };
    };
    await withTokens(issue, 'subject', async () => {
      let now = 0;
      const { authorize, refused } = accessStorage(CONFIG, { now: () => now });
      const token = async () => (await authorize())['authorization'];
      assert.deepEqual([await token(), await token()], ['Bearer token 1', 'Bearer token 1']);
      now = 20_000;
      assert.equal(await token(), 'Bearer token 1', 'asked of the library, which has it still');
      now = 25_000;
      refused();
      refused();
      assert.deepEqual(await Promise.all([token(), token()]), ['Bearer token 2', 'Bearer token 2']);
      now = 26_000;
      refused();
      assert.equal(await token(), 'Bearer token 2', 'what was refused had been sent before');
      assert.equal(issued, 2);
    });
  });

  for (const [how, ask] of [
    ['a request', (access: StorageAccess) => new JsonApi({ ...access, retries: 0, timeoutMs: 1_000 }).send(ANY)],
    ['a rewrite', (access: StorageAccess) => rewriteOver(access)],
  ] as const) {
    it(`says so where ${how} is answered 401, and where it is not, does not`, async () => {
      const storage = await makeTestStorage();
      let refusals = 0;
      const refused = () => (refusals += 1);
      const access = { origin: storage.proxy.url, authorize: () => ({}), refused };
      storage.proxy.inject({}, answerError(403), { times: 1 });
      await assert.rejects(Promise.resolve(ask(access)));
      assert.equal(refusals, 0);
      storage.proxy.inject({}, answerError(401), { times: 1 });
      await failsAs(Promise.resolve(ask(access)), 'unavailable');
      assert.equal(refusals, 1);
    });
  }

  it('waits for credentials no longer than for storage', async () => {
    const authorize = () => new Promise<never>(() => undefined);
    const access = { origin: 'http://127.0.0.1:9', authorize, refused: () => undefined };
    await failsAs(new JsonApi({ ...access, retries: 0, timeoutMs: 50 }).send(ANY), 'unavailable');
    await failsAs(rewriteOver(access, 50), 'unavailable');
  });

  it('fetches credentials anew where an answer that was to bring them is lost', async () => {
    let asked = 0;
    const issue = () => {
      asked += 1;
      if (asked === 1) return undefined;
      const token = { access_token: 'token', expires_in: 3_600, token_type: 'Bearer' };
      return { status: 200, body: { ...token, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } };
    };
    await withTokens(issue, 'subject', async () => {
      const { authorize } = accessStorage(CONFIG, { credentialsMs: 500 });
      await Promise.all([assert.rejects(async () => authorize()), assert.rejects(async () => authorize())]);
      assert.equal((await authorize())['authorization'], 'Bearer token');
      assert.equal(asked, 2);
    });
  });

  it('tells that storage is not available where no credentials can be had, and counts it as a request without an answer', async () => {
    const environment = { ...process.env };
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nowhere/credentials.json';
    const ends: string[] = [];
    const observer: StorageObserver = {
      sent:
        ({ operation }) =>
        (error) =>
          ends.push(`${operation}: ${statusOf(error)}`),
    };
    try {
      const access = { ...accessStorage(CONFIG), observer };
      const api = new JsonApi({ ...access, retries: 0, timeoutMs: 1_000 });
      await failsAs(api.send(ANY), 'unavailable');
      await failsAs(api.open({ ...ANY, query: { alt: 'media' } }), 'unavailable');
      await failsAs(rewriteOver(access), 'unavailable');
      assert.deepEqual(ends, ['stat: none', 'read: none', 'rewrite: none']);
    } finally {
      process.env = environment;
    }
  });
});
