import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { accepts, storagePart, temporalIsReady } from '../../dev/backing-parts.ts';
import { localUrl } from '../../dev/definitions.ts';
import { emulatorAt } from '../../dev/emulator.ts';
import { baseEnvironment } from '../../dev/environment.ts';
import type { Part, PartDefinition } from '../../dev/part.ts';
import { createPartSet } from '../../dev/part-set.ts';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts, LOOPBACK, USUAL_PORTS } from '../../dev/ports.ts';
import { apiPart, workerPart } from '../../dev/service-parts.ts';
import { CONTROL_BUCKET, type Stack, type StackOptions } from '../../dev/stack.ts';
import { AUDIENCE, startTokenIssuer } from '../../dev/token-issuer.ts';
import { ensureTools } from '../../dev/tools.ts';
import { readComposeFile } from '../deployment/compose-file.ts';
import { nativeServices, type NativeServices } from './native-services.ts';
import { postgresqlPart } from './postgresql.ts';
import { ensureProductionTools } from './tools.ts';

/** The stack of docker-compose.yml without containers. */
export interface ProductionStack extends Stack {
  readonly services: NativeServices;
  /** Runs beside `worker` wherever that is started with the stack: as with `--scale worker=2`. */
  readonly secondWorker: Part;
}

/** The services that are run to their end before others start. */
export const SET_UP = ['temporal-schema', 'temporal-setup', 'storage-setup'] as const;

/** Ports of Temporal's own services; all of them are in one container, and on one machine here. */
const INTERNAL_PORTS = [
  'FRONTEND_HTTP_PORT',
  ...['FRONTEND', 'HISTORY', 'MATCHING', 'WORKER'].map((service) => `${service}_MEMBERSHIP_PORT`),
  ...['HISTORY', 'MATCHING', 'WORKER'].map((service) => `${service}_GRPC_PORT`),
];

/** Makes `temporal workflow delete` take about 5 s instead of 35 s. */
const QUICK_DELETES = ['transfer', 'visibility']
  .map((queue) => `history.${queue}ProcessorUpdateAckInterval:\n  - value: 1s\n`)
  .join('');

/**
 * Brings up what docker-compose.yml describes, as processes of this machine: the same programs, commands, settings and
 * order; only addresses, ports and folders are others. Throws MissingTool, ToolsError or PartError, with nothing left
 * running.
 */
export async function startProductionStack(options: StackOptions = {}): Promise<ProductionStack> {
  const [tools, production] = await Promise.all([ensureTools(options.signal), ensureProductionTools()]);
  const folder = await mkdtemp(join(tmpdir(), 'apollo-production-'));
  const parts = createPartSet(options);
  parts.finally(() => rm(folder, { recursive: true, force: true }));
  try {
    const log = (part: string) => join(folder, 'logs', `${part}.log`);
    await mkdir(join(folder, 'logs'));
    const claims = createPortClaims();
    parts.finally(claims.release);
    const internal = Object.fromEntries(INTERNAL_PORTS.map((name) => [name, 0]));
    const wanted = { ...USUAL_PORTS, secondMetrics: 0, postgresql: 5432, ...internal };
    const ports: typeof wanted & Record<string, number> = await choosePorts(wanted, {
      anyFree: true,
      claim: claims.take,
    });
    const tokens = await startTokenIssuer({ port: ports.issuer });
    parts.finally(() => tokens.close());

    const apiUrl = localUrl(ports.api);
    const temporalAddress = `${LOOPBACK}:${ports.temporal}`;
    const emulatorUrl = localUrl(ports.storage);
    const storageUrl = (await options.storageUrl?.(emulatorUrl)) ?? emulatorUrl;
    const dynamicConfig = join(folder, 'dynamic-config.yaml');
    await writeFile(dynamicConfig, options.quickDeletes === true ? QUICK_DELETES : '');
    const compose = await readComposeFile({
      IMS_ISSUER: tokens.issuer,
      IMS_JWKS_URL: tokens.jwksUrl,
      IMS_AUDIENCE: AUDIENCE,
      PUBLIC_URL: apiUrl,
    });
    const services = nativeServices({
      compose,
      names: {
        postgresql: LOOPBACK,
        '5432': String(ports.postgresql),
        'temporal:7233': temporalAddress,
        'http://storage:4443': emulatorUrl,
        'storage:4443': `${LOOPBACK}:${ports.storage}`,
        '4443': String(ports.storage),
        '127.0.0.1:8080': `${LOOPBACK}:${ports.api}`,
        '8080': String(ports.api),
        '127.0.0.1:9464': `${LOOPBACK}:${ports.metrics}`,
        '9464': String(ports.metrics),
        '0.0.0.0': LOOPBACK,
        '/dev/null': dynamicConfig,
        '/var/tmp/storage': join(folder, 'storage'),
      },
      base: await baseOf(folder, [tools.temporal, join(production.temporal, 'temporal-sql-tool')]),
      signal: options.signal,
    });

    const { POSTGRES_USER: user = '', POSTGRES_PASSWORD: password = '' } = services.environmentOf('postgresql');
    const databaseOptions = { port: ports.postgresql, env: baseEnvironment(), log: log('postgresql'), user, password };
    const database = await postgresqlPart({ programs: production.postgresql, ...databaseOptions });
    parts.finally(() => database.remove());
    let isSetUp = false;
    const server: PartDefinition = {
      name: 'Temporal',
      command: join(production.temporal, 'temporal-server'),
      args: ['start'],
      env: {
        ...services.environmentOf('temporal'),
        FRONTEND_GRPC_PORT: String(ports.temporal),
        ...Object.fromEntries(INTERNAL_PORTS.map((name) => [name, String(ports[name])])),
      },
      log: log('temporal'),
      ready: { probe: () => (isSetUp ? temporalIsReady : accepts)(ports.temporal) },
      startTimeoutMs: 120_000,
      stopTimeoutMs: 15_000,
    };
    const emulator = {
      ...{ command: tools.fakeGcsServer, env: services.environmentOf('storage'), log: log('storage') },
      ...{ port: ports.storage, root: folder },
    };
    const throughProxy = { 'http://storage:4443': storageUrl };
    const addWorker = (name: string, port: number, env: Readonly<Record<string, string>> = {}) => {
      const settings = { ...services.environmentOf('worker', throughProxy), METRICS_PORT: String(port) };
      const all = { ...settings, ...options.env?.worker, ...env };
      return parts.add('service', workerPart(name, { log: log(name.toLowerCase()), env: all }));
    };
    const apiSettings = { ...services.environmentOf('api', throughProxy), ...options.env?.api };

    const postgresql = parts.add('backing', database);
    const temporal = parts.add('backing', server);
    const storage = parts.add('backing', { ...storagePart(emulator), args: services.wordsOf('storage') });
    const worker = addWorker('Worker', ports.metrics);
    const secondWorker = addWorker('Second worker', ports.secondMetrics, {
      METRICS_PORT: String(ports.secondMetrics),
    });
    const api = parts.add('service', apiPart({ log: log('api'), port: ports.api, env: apiSettings }));

    await parts.start([postgresql, storage]);
    await services.runToEnd('temporal-schema');
    await parts.start([temporal]);
    await Promise.all([services.runToEnd('temporal-setup'), services.runToEnd('storage-setup')]);
    isSetUp = true;
    const workers = options.worker === false ? [] : [worker, secondWorker];
    await parts.start([...workers, ...(options.api === false ? [] : [api])]);
    return {
      ...{ services, apiUrl, temporalAddress, storageUrl: emulatorUrl, dataFolder: folder },
      temporalUiUrl: apiSettings['TEMPORAL_UI_URL'] ?? '',
      ...{ issuer: tokens.issuer, jwksUrl: tokens.jwksUrl },
      metricsUrl: `http://${LOOPBACK}:${ports.metrics}/metrics`,
      ...{ temporal, storage, worker, secondWorker, api },
      emulator: emulatorAt(emulatorUrl, CONTROL_BUCKET),
      token: (request) => tokens.issueToken(request),
      async addWorker(name, env) {
        const { metrics } = await choosePorts({ metrics: 0 }, { anyFree: true, claim: claims.take });
        return addWorker(name, metrics, env);
      },
      stop: () => parts.stop(),
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** What all services have in common: programs that the images have on PATH, and an empty profile for Temporal's clients. */
async function baseOf(folder: string, programs: readonly string[]): Promise<Record<string, string>> {
  const configFile = join(folder, 'temporal.toml');
  await writeFile(configFile, '[profile.default]\n');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const program of programs) await symlink(program, join(bin, program.split('/').at(-1) ?? ''));
  const base = baseEnvironment();
  return { ...base, PATH: [bin, base['PATH']].join(delimiter), TEMPORAL_CONFIG_FILE: configFile };
}
