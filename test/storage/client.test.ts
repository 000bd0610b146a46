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
import { accessStorage } from '../../storage/client.ts';
import { createStorage } from '../../storage/index.ts';
import { JsonApi } from '../../storage/json-api.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { meanwhile } from '../support/storage-proxy/index.ts';
import { failsAs, storageError } from './assertions.ts';

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

describe('client of Cloud Storage', () => {
  it('tells nothing of credentials that are refused, in the log or in a failure of Temporal', async () => {
    const secret = 'the-subject-token';
    const exchanges: string[] = [];
    const exchange = createServer((request, response) => {
      text(request).then(
        (body) => {
          exchanges.push(body);
          response.writeHead(400, { 'content-type': 'application/json' }).end('{"error": "invalid_grant"}');
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
      await writeFile(subject, secret);
      const account = {
        ...{ type: 'external_account', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
        ...{ token_url: `http://127.0.0.1:${port}/token`, credential_source: { file: subject } },
      };
      const credentials = join(folder, 'credentials.json');
      await writeFile(credentials, JSON.stringify(account));
      process.env['GOOGLE_APPLICATION_CREDENTIALS'] = credentials;
      const { objects } = createStorage(
        { controlBucket: 'c', projectId: 'p', emulatorHost: undefined },
        { autoRetry: false },
      );
      const error = await storageError(objects.stat({ bucket: 'c', name: 'a' }));
      assert.ok(exchanges.length >= 1 && exchanges.every((body) => body.includes(secret)), 'it was sent');
      let log = '';
      pino({}, { write: (line: string) => (log += line) }).error({ err: error }, 'failed');
      const failure = JSON.stringify(defaultFailureConverter.errorToFailure(error, defaultPayloadConverter));
      for (const told of [log, failure]) {
        assert.match(told, /no credentials for Cloud Storage/);
        assert.ok(!told.includes(secret));
      }
    } finally {
      process.env = environment;
      exchange.close();
      exchange.closeAllConnections();
      await rm(folder, { recursive: true });
    }
  });

  it('tells that storage is not available where no credentials can be had', async () => {
    const environment = { ...process.env };
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nowhere/credentials.json';
    try {
      const config = { controlBucket: 'c', projectId: 'p', emulatorHost: undefined };
      const api = new JsonApi({ ...accessStorage(config), retries: 0, timeoutMs: 1_000 });
      await failsAs(api.send({ method: 'GET', path: '/storage/v1/b/c' }), 'unavailable');
    } finally {
      process.env = environment;
    }
  });
});
