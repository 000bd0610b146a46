import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../config/config.ts';
import { loadTemporalConfig } from '../../config/temporal.ts';

const PROFILES = `
[profile.default]
address = "default.example.com:7233"
namespace = "of-default"

[profile.production]
address = "production.example.com:7233"
namespace = "of-production"
api_key = "secret"

[profile.broken.tls]
client_cert_path = "/no/such/cert.pem"
client_key_path = "/no/such/key.pem"
`;

describe("Temporal's settings", () => {
  let folder: string;
  let file: string;
  let noProfiles: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apollo-config-'));
    file = join(folder, 'temporal.toml');
    noProfiles = join(folder, 'empty.toml');
    await writeFile(file, PROFILES);
    await writeFile(noProfiles, '[profile.default]\n');
  });

  after(() => rm(folder, { recursive: true }));

  /** Loads the settings as if nobody had a configuration file at home. What is undefined is left out. */
  function load(env: Record<string, string>) {
    const { namespace, connectionOptions } = loadTemporalConfig({ TEMPORAL_CONFIG_FILE: noProfiles, ...env });
    const { address, apiKey, tls } = connectionOptions;
    return {
      namespace,
      connectionOptions: { address, ...(apiKey !== undefined && { apiKey }), ...(tls !== undefined && { tls }) },
    };
  }

  function assertRefused(env: Record<string, string>, message: RegExp): void {
    assert.throws(
      () => load(env),
      (error: unknown) => error instanceof ConfigError && message.test(error.message) && !error.message.includes('\n'),
    );
  }

  it('default to a server on this machine', () => {
    assert.deepEqual(load({}), { namespace: 'default', connectionOptions: { address: 'localhost:7233' } });
  });

  it('are taken from the environment that is handed in, and from no other', () => {
    process.env['TEMPORAL_NAMESPACE'] = 'of-the-process';
    try {
      assert.equal(load({}).namespace, 'default');
    } finally {
      delete process.env['TEMPORAL_NAMESPACE'];
    }
    const env = {
      TEMPORAL_ADDRESS: 'temporal.example.com:7233',
      TEMPORAL_NAMESPACE: 'apollo',
      TEMPORAL_API_KEY: 'key',
    };
    assert.deepEqual(load(env), {
      namespace: 'apollo',
      connectionOptions: { address: 'temporal.example.com:7233', apiKey: 'key', tls: true },
    });
  });

  it('are taken from a profile of a file, the default one or the one that is named', () => {
    const { namespace, connectionOptions } = load({ TEMPORAL_CONFIG_FILE: file });
    assert.deepEqual([namespace, connectionOptions.address], ['of-default', 'default.example.com:7233']);
    const named = load({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'production' });
    assert.equal(named.namespace, 'of-production');
    assert.deepEqual(named.connectionOptions, {
      address: 'production.example.com:7233',
      apiKey: 'secret',
      tls: true,
    });
  });

  it('of the environment win over the file, unless they are empty', () => {
    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_ADDRESS: '127.0.0.1:1234', TEMPORAL_NAMESPACE: '' };
    const { namespace, connectionOptions } = load(env);
    assert.deepEqual([namespace, connectionOptions.address], ['of-default', '127.0.0.1:1234']);
  });

  it('take certificates from files', async () => {
    const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') };
    for (const [name, path] of Object.entries(paths)) await writeFile(path, name);
    const { connectionOptions } = load({
      TEMPORAL_TLS_CLIENT_CERT_PATH: paths.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: paths.key,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: paths.ca,
      TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com',
    });
    const bytes = (text: string) => new TextEncoder().encode(text);
    assert.deepEqual(connectionOptions.tls, {
      serverNameOverride: 'temporal.example.com',
      serverRootCACertificate: bytes('ca'),
      clientCertPair: { crt: bytes('cert'), key: bytes('key') },
    });
  });

  for (const name of [
    'TEMPORAL_CONFIG_FILE',
    'TEMPORAL_TLS_CLIENT_CERT_PATH',
    'TEMPORAL_TLS_CLIENT_KEY_PATH',
    'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  ]) {
    it(`say so by its name where a file is not there: ${name}`, () => {
      assertRefused(
        { [name]: '/no/such/file' },
        new RegExp(`^${name} names a file that cannot be read: .*/no/such/file`),
      );
    });
  }

  it('say so where a profile names a certificate that is not there', () => {
    assertRefused({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'broken' }, /^TEMPORAL_.*\/no\/such\/cert\.pem/);
  });

  it('say so where there is no such profile, or the file is no TOML', async () => {
    assertRefused({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'other' }, /^TEMPORAL_.*'other'/);
    const noToml = join(folder, 'no.toml');
    await writeFile(noToml, 'address: [\nport');
    assertRefused({ TEMPORAL_CONFIG_FILE: noToml }, /^TEMPORAL_.*TOML/);
  });

  it('say so where an address is none', () => {
    for (const address of ['not an address', 'http://temporal:7233', 'temporal:port']) {
      assertRefused({ TEMPORAL_ADDRESS: address }, /^TEMPORAL_ADDRESS must be host:port/);
    }
    for (const address of ['temporal', 'temporal.example.com:7233', '[::1]:7233']) {
      assert.equal(load({ TEMPORAL_ADDRESS: address }).connectionOptions.address, address);
    }
  });

  it('do not take a slip for "no TLS"', () => {
    for (const value of ['yes', 'True', 'on']) {
      assertRefused({ TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: value }, /^TEMPORAL_TLS must be true or false/);
    }
    assert.equal(load({ TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' }).connectionOptions.tls, false);
  });
});
