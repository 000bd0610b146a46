import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { startGuard, type Guard } from './guard.ts';

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

interface StartOptions {
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** File that the output is appended to. */
  log?: string;
  /** Called for every line of standard output and error. */
  onLine?: (line: string) => void;
}

export interface Running {
  readonly pid: number;
  /** Settles when the process has ended and its output was read; never rejects. */
  readonly exited: Promise<Exit>;
  /** The last lines of its output. */
  tail(): string;
  /** Sends a signal (default SIGTERM), then SIGKILL to its process group where it has not ended `graceMs` later. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<Exit>;
  /** Sends SIGKILL to its process group. */
  kill(): Promise<Exit>;
}

export interface Processes {
  /** Starts a program; rejects where there is no such program or it may not be run. */
  start(command: string, args: readonly string[], options: StartOptions): Promise<Running>;
  /** Kills what still runs. */
  close(): void;
}

const TAIL_LINES = 20;
const TAIL_LINE_LENGTH = 500;

/**
 * A launcher of child processes none of which survives it. Each child leads a process group of its own: a terminal's
 * Ctrl-C reaches only the launcher, which ends its children in order, and grandchildren go with their parent.
 */
export function createProcesses(): Processes {
  const guard = startGuard();
  return {
    start: (command, args, options) => start(guard, command, args, options),
    close: () => {
      guard.close();
    },
  };
}

async function start(
  guard: Guard,
  command: string,
  args: readonly string[],
  { env, log, onLine }: StartOptions,
): Promise<Running> {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...env } });
  const { pid } = child;
  if (pid !== undefined) guard.watch(pid);
  const tail: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    eachLine(output, (line) => {
      tail.push(line.slice(0, TAIL_LINE_LENGTH));
      if (tail.length > TAIL_LINES) tail.shift();
      onLine?.(line);
    });
  }
  if (log !== undefined) appendOutput(child, log);
  const exited = untilExited(child, guard);
  await once(child, 'spawn');
  if (pid === undefined) throw new Error(`${command} has no process id`);

  return {
    pid,
    exited,
    tail: () => tail.join('\n'),
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      child.kill(signal);
      const stillWaiting = new AbortController();
      await Promise.race([exited, delay(graceMs, undefined, { signal: stillWaiting.signal })]);
      stillWaiting.abort();
      if (child.exitCode === null && child.signalCode === null) killGroup(pid);
      return exited;
    },
    kill() {
      killGroup(pid);
      return exited;
    },
  };
}

function untilExited(child: ChildProcess, guard: Guard): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', () => {
      if (child.pid === undefined) return;
      // Whoever it started holds its output open, and would keep 'close' from coming.
      killGroup(child.pid);
      guard.release(child.pid);
    });
    child.once('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // EPERM: on macOS, a group of zombies only.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function eachLine(output: Readable, take: (line: string) => void): void {
  let rest = '';
  output.setEncoding('utf8');
  output.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  });
  output.on('end', () => {
    if (rest !== '') take(rest);
  });
}

function appendOutput(child: ChildProcess, log: string): void {
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout?.pipe(file, { end: false });
  child.stderr?.pipe(file, { end: false });
  child.once('close', () => file.end());
}

/** `exit code 78`, `SIGKILL`. */
export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
