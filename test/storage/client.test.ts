import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJsonApi } from '../../storage/client.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { meanwhile } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

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
  it('tells that storage is not available where no credentials can be had', async () => {
    const environment = { ...process.env };
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nowhere/credentials.json';
    try {
      const config = { controlBucket: 'c', projectId: 'p', emulatorHost: undefined };
      const api = createJsonApi(config, { retries: 0, timeoutMs: 1_000 });
      await failsAs(api.send({ method: 'GET', path: '/storage/v1/b/c' }), 'unavailable');
    } finally {
      process.env = environment;
    }
  });
});
