import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { Ajv, type AnySchema } from 'ajv';
import { loadApiConfig, loadWorkerConfig } from '../../config/config.ts';
import { loadTemporalConfig } from '../../config/temporal.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/ids.ts';
import { WORKER_ENGINE } from '../../dev/service-parts.ts';
import { readComposeFile, REQUIRED, type ComposeFile, type ComposeService } from './compose-file.ts';

/** The Compose specification's own schema comes with dclint. */
const SCHEMA = join(dirname(fileURLToPath(import.meta.resolve('dclint/package.json'))), 'schemas/compose.schema.json');

/** Of Temporal's own settings, those that a client takes from the environment. */
const TEMPORAL_CLIENT = /^TEMPORAL_(?:ADDRESS|NAMESPACE|API_KEY|PROFILE|CONFIG_FILE|TLS(?:_\w+)?)$/;

describe('docker-compose.yml', () => {
  let file: ComposeFile;
  let services: [name: string, service: ComposeService][];
  let lasting: typeof services;

  before(async () => {
    file = await readComposeFile();
    services = Object.entries(file.services);
    lasting = services.filter(([, { restart }]) => restart !== undefined);
  });

  function service(name: string): ComposeService & Required<Pick<ComposeService, 'environment' | 'command'>> {
    const found = file.services[name];
    assert.ok(found, name);
    return { environment: {}, command: [], ...found };
  }

  describe('by the Compose specification', () => {
    const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as { $schema?: string };
    // Ajv knows the draft under its usual name only, with `http`.
    delete schema.$schema;
    const isValid = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema as AnySchema);

    it('starts a worker with the flags that the embedded stack and `npm run worker` start it with', () => {
      const started = ['node', ...WORKER_ENGINE, 'worker/main.ts'];
      assert.deepEqual(service('worker').command, started);
      const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
        scripts: Record<string, string>;
      };
      assert.equal(scripts['worker'], `exec ${started.join(' ')}`);
    });

    it('is valid', () => {
      assert.ok(isValid(file), JSON.stringify(isValid.errors, undefined, 2));
    });

    it('would not be with a slip in it', () => {
      for (const slip of [{ port: [] }, { restart: true }, { depends_on: { storage: { condition: 'ready' } } }]) {
        const changed = { ...file, services: { ...file.services, api: { ...file.services['api'], ...slip } } };
        assert.ok(!isValid(changed), JSON.stringify(slip));
      }
    });
  });

  it('has all parts of the service', () => {
    const once = ['storage-setup', 'temporal-schema', 'temporal-setup'];
    const parts = ['api', 'postgresql', 'storage', 'temporal', 'temporal-ui', 'worker'];
    assert.deepEqual(lasting.map(([name]) => name).sort(), parts);
    assert.deepEqual(Object.keys(file.services).sort(), [...parts, ...once].sort());
  });

  it('is refused where it is not said whose tokens are accepted', async () => {
    for (const name of Object.keys(REQUIRED)) {
      await assert.rejects(readComposeFile({ ...REQUIRED, [name]: '' }), new RegExp(`${name} is missing`));
    }
  });

  it('makes a control bucket in the emulator alone: with Cloud Storage it is the operator’s', () => {
    const [, ...args] = service('storage-setup').command;
    const setUp = (env: Record<string, string>) => spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    const { status, stderr } = setUp({ CONTROL_BUCKET: 'mine' });
    assert.deepEqual([status, stderr], [0, '']);
    assert.notEqual(setUp({ CONTROL_BUCKET: 'mine', STORAGE_EMULATOR_HOST: 'http://127.0.0.1:9' }).status, 0);
  });

  it('publishes ports on the loopback address only', () => {
    for (const [name, { ports = [] }] of services) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
    }
  });

  it('runs nothing as root, with capabilities, or with a root file system that can be written', () => {
    for (const [name, { user = 'root', ...more }] of services) {
      assert.doesNotMatch(user, /^(?:root|0)(?::|$)/, name);
      assert.deepEqual([more.read_only, more.cap_drop], [true, ['ALL']], name);
      assert.deepEqual(more.security_opt, ['no-new-privileges:true'], name);
    }
  });

  it('starts again and checks whatever is to stay up', () => {
    for (const [name, { restart, healthcheck }] of lasting) {
      assert.equal(restart, 'unless-stopped', name);
      assert.match(healthcheck?.test[0] ?? '', /^CMD(?:-SHELL)?$/, name);
    }
  });

  it('waits for what a service depends on until that is healthy or done', () => {
    for (const [name, { depends_on: dependencies = {} }] of services) {
      for (const [dependency, { condition }] of Object.entries(dependencies)) {
        const stays = service(dependency).restart !== undefined;
        assert.equal(condition, stays ? 'service_healthy' : 'service_completed_successfully', `${name}: ${dependency}`);
      }
    }
  });

  it('pins every image by its version', () => {
    for (const [name, { image = '', build }] of services) {
      assert.match(image, build === undefined ? /^[\w./-]+:\d+\.\d+[\w.-]*$/ : /:local$/, name);
    }
    const [, version] = service('temporal').image?.split(':') ?? [];
    for (const tools of ['temporal-schema', 'temporal-setup']) {
      assert.equal(service(tools).image, `temporalio/admin-tools:${version}`);
    }
  });

  it('keeps what has to outlive a container in volumes', () => {
    assert.deepEqual(
      services.filter(([, { volumes }]) => volumes !== undefined).map(([name]) => name),
      ['postgresql', 'storage'],
    );
  });

  it('gives API and worker settings that they take, and none that they do not know', () => {
    for (const [name, load] of [
      ['api', loadApiConfig],
      ['worker', loadWorkerConfig],
    ] as const) {
      const { environment } = service(name);
      const known = new Set<string>();
      const asked = new Proxy(environment, {
        get(target, setting) {
          known.add(String(setting));
          return target[String(setting)];
        },
      });
      const { storage } = load(asked);
      assert.deepEqual([storage.emulatorHost, storage.controlBucket], ['http://storage:4443', 'apollo-control']);
      const unknown = Object.keys(environment).filter(
        (setting) => !known.has(setting) && !TEMPORAL_CLIENT.test(setting),
      );
      assert.deepEqual(unknown, [], name);
      const { namespace, connectionOptions } = loadTemporalConfig(environment);
      assert.deepEqual([namespace, connectionOptions.address], ['default', 'temporal:7233']);
    }
  });

  it('runs a worker as a deployment version where one is named', async () => {
    const version = { TEMPORAL_DEPLOYMENT_NAME: 'apollo', TEMPORAL_WORKER_BUILD_ID: '7' };
    const named = await readComposeFile({ ...REQUIRED, ...version });
    assert.deepEqual(loadWorkerConfig(named.services['worker']?.environment ?? {}).deployment, {
      name: 'apollo',
      buildId: '7',
    });
    assert.equal(loadWorkerConfig(service('worker').environment).deployment, undefined);
  });

  it('asks for health at the ports that the processes are told to listen on', () => {
    const { PORT } = service('api').environment;
    const { METRICS_PORT } = service('worker').environment;
    assert.match(service('api').healthcheck?.test.at(-1) ?? '', new RegExp(`127.0.0.1:${PORT}/readyz`));
    assert.match(service('worker').healthcheck?.test.at(-1) ?? '', new RegExp(`127.0.0.1:${METRICS_PORT}/metrics`));
    assert.ok(service('api').ports?.[0]?.endsWith(`:${PORT}`));
  });

  it('makes the search attributes that jobs are found by', () => {
    const script = service('temporal-setup').command.join('\n');
    assert.deepEqual(
      Array.from(script.matchAll(/within_two_minutes make_search_attribute (\w+)/g), ([, name]) => name),
      Object.keys(SEARCH_ATTRIBUTES),
    );
    assert.ok(Object.values<string>(SEARCH_ATTRIBUTES).every((type) => script.includes(`--type ${type} `)));
  });

  it('has scripts that a shell and Node can read', () => {
    for (const [, { entrypoint, command = [], healthcheck }] of services) {
      if (entrypoint?.[0] === '/bin/sh') execFileSync('/bin/sh', ['-n', '-c', ...command]);
      for (const words of [command, healthcheck?.test.slice(1) ?? []]) {
        if (words[1] === '--eval') assert.doesNotThrow(() => new Script(words[2] ?? ''));
      }
    }
  });
});
