import { join } from 'node:path';
import { storagePart, temporalPart } from './backing-parts.ts';
import { baseEnvironment } from './environment.ts';
import type { PartDefinition } from './part.ts';
import { LOOPBACK, type USUAL_PORTS } from './ports.ts';
import { apiPart, workerPart } from './service-parts.ts';
import { AUDIENCE, type TokenIssuer } from './token-issuer.ts';
import type { Tools } from './tools.ts';

/** The bucket that holds collections, locks and job records of the stack. */
export const CONTROL_BUCKET = 'apollo-control';

export type Env = Readonly<Record<string, string>>;

interface Surroundings {
  tools: Tools;
  dataFolder: string;
  /** Configuration file for Temporal's clients. */
  temporalConfigFile: string;
  ports: Readonly<Record<keyof typeof USUAL_PORTS, number>>;
  tokens: TokenIssuer;
  keepWorkflows: boolean;
  quickDeletes: boolean;
  /** Where worker and API reach storage. */
  storageUrl: string;
}

interface Definitions {
  temporal: PartDefinition;
  storage: PartDefinition;
  api(env?: Env): PartDefinition;
  worker(name: string, metricsPort: number, env?: Env): PartDefinition;
}

export function localUrl(port: number): string {
  return `http://${LOOPBACK}:${port}`;
}

/** How each part of the stack is run: its command line and its environment (README.md, "Running it"). */
export function defineParts({ tools, dataFolder, ports, tokens, ...more }: Surroundings): Definitions {
  const base = { ...baseEnvironment(), TEMPORAL_CONFIG_FILE: more.temporalConfigFile };
  const log = (part: string) => join(dataFolder, 'logs', `${part}.log`);
  const service = {
    ...base,
    TEMPORAL_ADDRESS: `${LOOPBACK}:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default',
    CONTROL_BUCKET,
    GOOGLE_CLOUD_PROJECT: 'apollo-dev',
    STORAGE_EMULATOR_HOST: more.storageUrl,
  };
  return {
    temporal: temporalPart({
      command: tools.temporal,
      env: base,
      log: log('temporal'),
      port: ports.temporal,
      uiPort: ports.temporalUi,
      quickDeletes: more.quickDeletes,
      ...(more.keepWorkflows && { database: join(dataFolder, 'temporal.db') }),
    }),
    storage: storagePart({
      command: tools.fakeGcsServer,
      env: base,
      log: log('storage'),
      port: ports.storage,
      root: join(dataFolder, 'storage'),
    }),
    api: (env = {}) =>
      apiPart({
        log: log('api'),
        port: ports.api,
        env: {
          ...service,
          HOST: LOOPBACK,
          PORT: String(ports.api),
          IMS_ISSUER: tokens.issuer,
          IMS_JWKS_URL: tokens.jwksUrl,
          IMS_AUDIENCE: AUDIENCE,
          TEMPORAL_UI_URL: localUrl(ports.temporalUi),
          ...env,
        },
      }),
    worker: (name, metricsPort, env = {}) =>
      workerPart(name, {
        log: log(name.toLowerCase()),
        env: { ...service, METRICS_PORT: String(metricsPort), ...env },
      }),
  };
}
