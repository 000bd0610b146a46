import { pino, stdTimeFunctions, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * The process's log: JSON lines on standard output, readable lines where that is a terminal.
 * `service` names the process in every line.
 */
export function createLogger(service: 'api' | 'worker', level: string): Logger {
  const options = { level, base: { service }, timestamp: stdTimeFunctions.isoTime };
  return process.stdout.isTTY ? pino(options, pretty({ colorize: true, ignore: 'service' })) : pino(options);
}
