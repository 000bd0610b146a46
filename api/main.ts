import { collectDefaultMetrics } from 'prom-client';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotListen, ConfigError, EX_CONFIG, loadApiConfig } from '../config/config.ts';
import { checkCredentials } from '../config/credentials.ts';
import { firstLook, LOOK_MS } from '../config/first-look.ts';
import { createLogger, type Logger } from '../config/logger.ts';
import { loadTemporalConfig } from '../config/temporal.ts';
import { loadTracingConfig } from '../config/tracing.ts';
import { startTracing } from '../telemetry/index.ts';
import { createApp } from './app.ts';
import { ApiMetrics } from './metrics.ts';
import { issuerKeys } from './auth/issuer-keys.ts';
import { createTokenVerifier } from './auth/verify-token.ts';
import { createBackend, type Backend } from './backend.ts';
import type { Readiness } from './readiness.ts';
import { listen, type Listener } from './server.ts';

/** The API listens no later than so long, in milliseconds, after it began to look at what its settings name. */
const HELD_UP_MS = 1_000;

/** Together below the 10 s within which the process has to be gone. */
const IN_FLIGHT_GRACE_MS = 7_500;
const CLIENTS_GRACE_MS = 1_000;

/** Ends the process with one clear line on standard error. */
function fail(exitCode: number, message: string): never {
  process.stderr.write(`apollo api: ${message}\n`);
  process.exit(exitCode);
}

/** What this gives; ends the process where a setting turns out to be wrong. */
async function orFail<T>(made: () => T | Promise<T>): Promise<T> {
  try {
    return await made();
  } catch (error) {
    if (error instanceof ConfigError) return fail(EX_CONFIG, error.message);
    throw error;
  }
}

function settings() {
  const config = loadApiConfig(process.env);
  checkCredentials(process.env);
  return {
    config,
    temporal: loadTemporalConfig(process.env),
    tracingConfig: loadTracingConfig(process.env),
  };
}

async function takeAddress(host: string, port: number): Promise<Listener> {
  try {
    return await listen(host, port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    throw cannotListen('PORT', { host, port }, why);
  }
}

/** Throws ConfigError where Temporal or storage answers that what a setting names does not exist. */
async function lookAt({ temporal, storage }: Readiness, log: Logger): Promise<void> {
  await firstLook({ temporal: temporal(LOOK_MS), storage: storage() }, log);
}

async function stop(listener: Listener, closeClients: () => Promise<void>, log: Logger): Promise<void> {
  await listener.close(IN_FLIGHT_GRACE_MS);
  const isClosed = await Promise.race([closeClients().then(() => true), delay(CLIENTS_GRACE_MS, false)]);
  if (!isClosed) log.warn('clients did not close in time');
}

function backend(...[deps]: Parameters<typeof createBackend>): Backend {
  try {
    return createBackend(deps);
  } catch (error) {
    return fail(1, `cannot start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const { config, temporal, tracingConfig } = await orFail(settings);
const log = createLogger('api', config.logLevel);

const stopping = Promise.withResolvers<NodeJS.Signals>();
// Until the API listens there is nothing to finish. A second signal ends the process the hard way.
let onSignal: (signal: NodeJS.Signals) => void = () => process.exit(0);
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, (signal) => {
    onSignal(signal);
  });
}

const tracing = await startTracing('apollo-api', tracingConfig, log);
const service = backend({ config, temporal, log, tracing });
const authenticate = createTokenVerifier({
  issuer: config.ims.issuer,
  audience: config.ims.audience,
  keys: issuerKeys(config.ims.jwksUrl),
});
// Where nobody answers, the API starts without. An answer that comes late ends it all the same.
await Promise.race([orFail(() => lookAt(service.readiness, log)), delay(HELD_UP_MS)]);
const listener = await orFail(() => takeAddress(config.host, config.port));
const publicUrl = config.publicUrl ?? listener.url;
const { jobs, collections, openInput, readiness } = service;
const over = new AbortController();
const metrics = new ApiMetrics();
collectDefaultMetrics({ register: metrics.registry });
const temporalUiUrl =
  config.temporalUiUrl && `${config.temporalUiUrl}/namespaces/${encodeURIComponent(temporal.namespace)}/workflows`;
const surroundings = { publicUrl, temporalUiUrl, log, metrics, tracing, stopping: over.signal };
listener.answer(createApp({ jobs, collections, openInput, readiness, authenticate, ...surroundings }).fetch);
onSignal = stopping.resolve;
log.info({ url: listener.url, publicUrl }, 'api listening');

log.info({ signal: await stopping.promise }, 'api stopping');
over.abort();
await stop(listener, () => service.close(), log);
await tracing?.close();
process.exit(0);
