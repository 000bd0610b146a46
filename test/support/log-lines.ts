import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from '../../config/logger.ts';

/** A log of this level, and the lines written to it. */
export function logLines(level = 'info'): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { log: pino({ level }, stream), lines };
}
