import { setTimeout as delay } from 'node:timers/promises';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { ConfigError, EX_CONFIG, loadWorkerConfig } from '../config/config.ts';
import { createLogger, type Logger } from '../config/logger.ts';
import { loadTemporalConfig, type TemporalConfig } from '../config/temporal.ts';
import { createWorker } from './worker.ts';

/** Between attempts to reach Temporal when the worker starts before it. */
const CONNECT_PAUSE_MS = 1_000;

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  const temporal = loadTemporalConfig(process.env);
  const log = createLogger('worker', config.logLevel);
  // The runtime turns SIGTERM and SIGINT into the end of `run`.
  Runtime.install({ logger: temporalLogger(log) });
  const connection = await connect(temporal, log);
  if (connection === undefined) return;
  const worker = await createWorker(config, temporal, connection, log);
  const running = worker.run();
  log.info({ taskQueue: config.taskQueue, namespace: temporal.namespace, pid: process.pid }, 'worker started');
  await running;
  await worker.close();
  log.info('worker stopped');
}

/** Waits for Temporal as long as it takes, which of the two starts first does not matter; undefined: told to stop. */
async function connect({ connectionOptions }: TemporalConfig, log: Logger): Promise<NativeConnection | undefined> {
  const stop = new AbortController();
  const abort = () => {
    stop.abort();
  };
  process.once('SIGTERM', abort).once('SIGINT', abort);
  try {
    while (!stop.signal.aborted) {
      try {
        return await NativeConnection.connect(connectionOptions);
      } catch (error) {
        // Options of the wrong kind do not become right by waiting.
        if (error instanceof TypeError) throw error;
        log.warn({ err: error, address: connectionOptions.address }, 'Temporal is not reachable yet');
        await delay(CONNECT_PAUSE_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    }
    return undefined;
  } finally {
    process.off('SIGTERM', abort).off('SIGINT', abort);
  }
}

/** Temporal's own messages, in the process's log. */
function temporalLogger(log: Logger): DefaultLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
    log[levels[level]]({ temporal: meta }, message);
  });
}

try {
  await main();
} catch (error) {
  if (error instanceof ConfigError) {
    process.stderr.write(`apollo worker: ${error.message}\n`);
    process.exitCode = EX_CONFIG;
  } else {
    process.stderr.write(`apollo worker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
