import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { cannotListen, ConfigError, EX_CONFIG, loadWorkerConfig, type WorkerConfig } from '../config/config.ts';
import { checkCredentials } from '../config/credentials.ts';
import { firstLook, LOOK_MS } from '../config/first-look.ts';
import { createLogger, type Logger } from '../config/logger.ts';
import { findNamespace } from '../config/namespace.ts';
import { loadTemporalConfig, type TemporalConfig } from '../config/temporal.ts';
import { loadTracingConfig } from '../config/tracing.ts';
import { findControlBucket } from '../storage/control-bucket.ts';
import { inTime } from '../storage/in-time.ts';
import { createStorage } from '../storage/index.ts';
import { startTracing } from '../telemetry/index.ts';
import { createMetrics } from './metrics/index.ts';
import { askForAttributes } from './search-attributes.ts';
import { temporalLogger } from './temporal-log.ts';
import { createWorker } from './worker.ts';

/** Between attempts to reach Temporal when the worker starts before it. */
const CONNECT_PAUSE_MS = 1_000;

/** A start is held up no longer than this, in milliseconds, by storage that does not answer. */
const STORAGE_LOOK_MS = 2_000;

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  checkCredentials(process.env);
  const temporal = loadTemporalConfig(process.env);
  const tracingConfig = loadTracingConfig(process.env);
  const log = createLogger('worker', config.logLevel);
  const stop = stopSignal();
  // The runtime turns the same signals into the end of `run`.
  installRuntime(config, log);
  const [connection] = await Promise.all([connect(temporal, log, stop), lookAtStorage(config, log)]);
  if (connection === undefined) return;
  await lookAtTemporal(connection, temporal.namespace, log);
  const metrics = createMetrics(Runtime.instance().metricMeter);
  const tracing = await startTracing('apollo-worker', tracingConfig, log);
  const worker = await createWorker({ config, temporal, connection, log, tracing, metrics });
  const asking = askForAttributes(connection, temporal.namespace, { log, stop });
  const running = worker.run();
  const { taskQueue, deployment } = config;
  log.info({ taskQueue, deployment, namespace: temporal.namespace, pid: process.pid }, 'worker started');
  try {
    await Promise.all([running, asking]);
    await worker.close();
  } catch (error) {
    if (!stop.aborted) throw error;
    // A local activity that storage keeps waiting cannot be handed over, but its workflow task is, in some seconds.
    log.warn({ err: error }, 'left to another worker what storage did not answer in time');
  }
  metrics.close();
  await tracing?.close();
  log.info('worker stopped');
}

function installRuntime({ metrics: { host, port }, taskQueue }: WorkerConfig, log: Logger): void {
  const bindAddress = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const metrics = { prometheus: { bindAddress } };
  try {
    Runtime.install({
      logger: temporalLogger(log, taskQueue),
      telemetryOptions: { logging: { forward: {} }, metrics },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw cannotListen('METRICS_PORT', { host, port }, why);
  }
}

/** Aborted when the process is told to end. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  return stop.signal;
}

/** Waits for Temporal as long as it takes, which of the two starts first does not matter; undefined: told to stop. */
async function connect(
  { connectionOptions }: TemporalConfig,
  log: Logger,
  stop: AbortSignal,
): Promise<NativeConnection | undefined> {
  while (!stop.aborted) {
    try {
      return await NativeConnection.connect(connectionOptions);
    } catch (error) {
      // Options of the wrong kind do not become right by waiting.
      if (error instanceof TypeError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ reason, address: connectionOptions.address }, 'Temporal is not reachable yet');
      await delay(CONNECT_PAUSE_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
  return undefined;
}

/** Throws ConfigError where storage answers that the control bucket does not exist. */
async function lookAtStorage({ storage }: WorkerConfig, log: Logger): Promise<void> {
  const { objects } = createStorage(storage, { autoRetry: false, timeoutMs: STORAGE_LOOK_MS });
  const look = findControlBucket(objects, storage.controlBucket);
  await firstLook({ storage: inTime(look, STORAGE_LOOK_MS) }, log);
}

/** Throws ConfigError where Temporal answers that the namespace does not exist. Without its answer there is no worker. */
async function lookAtTemporal(connection: NativeConnection, namespace: string, log: Logger): Promise<void> {
  const find = () => findNamespace(connection, namespace);
  await firstLook({ temporal: connection.withDeadline(Date.now() + LOOK_MS, find) }, log);
}

try {
  await main();
} catch (error) {
  const isSetting = error instanceof ConfigError;
  const problem = error instanceof Error ? (!isSetting && error.stack) || error.message : String(error);
  process.stderr.write(`apollo worker: ${problem}\n`);
  process.exitCode = isSetting ? EX_CONFIG : 1;
}
// A request that storage does not answer, or a connection of a worker that could not be made, would keep it alive.
process.exit();
