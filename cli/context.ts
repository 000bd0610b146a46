import type { Readable, Writable } from 'node:stream';
import type { Clock } from './clock.ts';

/** Where a person or a script reads what a command prints. `isTTY`: a terminal; `columns`: how wide it is. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number };

export type InputStream = Readable & { isTTY?: boolean };

/** All that a command knows of the process it runs in. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  /** Aborted where the person interrupts the command. */
  readonly signal: AbortSignal;
}
