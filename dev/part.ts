import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, type Processes, type Running } from './processes.ts';

/** What a part of the stack is and when it counts as up. */
export interface PartDefinition {
  /** As people call it: `Temporal`, `worker`. */
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What is done before each of its starts, with what the last run left behind. */
  prepare?: () => Promise<void>;
  /** File its output is appended to. */
  log?: string;
  /** Up once a line of its output contains this text, or once the probe answers true. */
  ready: { line: string } | { probe: () => Promise<boolean> };
  /** Longest time to become ready, in milliseconds. */
  startTimeoutMs: number;
  /** Time it gets to end by itself, in milliseconds; then SIGKILL. */
  stopTimeoutMs: number;
}

export interface Part {
  readonly name: string;
  /** Process id, while it runs. */
  readonly pid: number | undefined;
  /** Starts it (again) with its ports and data, and waits until it is ready. Throws PartError. */
  start(extraEnv?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it as an operator would (SIGTERM). Does nothing where it does not run. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. Does nothing where it does not run. */
  kill(): Promise<void>;
  /** The last lines of its output, of the latest run. */
  tail(): string;
}

/** A part did not start, or ended by itself. The message names the part and ends with the tail of its log. */
export class PartError extends Error {
  override readonly name = 'PartError';

  constructor(part: string, problem: string, tail: string, cause?: unknown) {
    const output = tail === '' ? '  (it wrote nothing)' : tail.replaceAll(/^/gm, '  ');
    super(`${part} ${problem}. Its last output:\n${output}`, { cause });
  }
}

/** Close together at first; a part that takes long is asked less often, and has less to log. */
const PROBE_INTERVAL_MS = { first: 25, growth: 1.1, longest: 500 };

interface PartContext {
  processes: Processes;
  /** Aborts a start that is under way. */
  signal: AbortSignal | undefined;
  /** Called where the part, once ready, ends without having been told to. */
  onDeath: (error: PartError) => void;
}

/** A part that is not running yet. */
export function createPart(definition: PartDefinition, { processes, signal, onDeath }: PartContext): Part {
  const { name } = definition;
  let running: Running | undefined;
  let latest: Running | undefined;

  async function end(how: (running: Running) => Promise<unknown>): Promise<void> {
    const ending = running;
    running = undefined;
    if (ending !== undefined) await how(ending);
  }

  async function start(extraEnv: Readonly<Record<string, string>> = {}): Promise<void> {
    if (running !== undefined) throw new Error(`${name} runs already`);
    signal?.throwIfAborted();
    await definition.prepare?.();
    const seen = { readyLine: false };
    const started = await processes
      .start(definition.command, definition.args, {
        env: { ...definition.env, ...extraEnv },
        ...(definition.log !== undefined && { log: definition.log }),
        onLine: (line) => {
          if ('line' in definition.ready && line.includes(definition.ready.line)) seen.readyLine = true;
        },
      })
      .catch((error: unknown) => {
        throw new PartError(name, `cannot be started: ${String(error)}`, '', error);
      });
    running = started;
    latest = started;
    try {
      await untilReady(definition, started, seen, signal);
    } catch (error) {
      await end((it) => it.kill());
      throw error;
    }
    watch(started);
  }

  /** Whoever ends the part takes it out of `running` first: one that is still in there ended by itself. */
  function watch(started: Running): void {
    started.exited
      .then((exit) => {
        if (running !== started) return;
        running = undefined;
        onDeath(new PartError(name, `ended by itself (${describeExit(exit)})`, started.tail()));
      })
      .catch((error: unknown) => {
        process.emitWarning(`After the end of ${name}: ${String(error)}`);
      });
  }

  return {
    name,
    get pid() {
      return running?.pid;
    },
    start,
    stop: () => end((it) => it.stop('SIGTERM', definition.stopTimeoutMs)),
    kill: () => end((it) => it.kill()),
    tail: () => latest?.tail() ?? '',
  };
}

async function untilReady(
  { name, ready, startTimeoutMs }: PartDefinition,
  running: Running,
  seen: Readonly<{ readyLine: boolean }>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  const exited = running.exited.then((exit) => {
    throw new PartError(name, `did not start (${describeExit(exit)})`, running.tail());
  });
  for (let interval = PROBE_INTERVAL_MS.first; ; interval *= PROBE_INTERVAL_MS.growth) {
    const isReady = 'line' in ready ? seen.readyLine : ready.probe();
    if (await Promise.race([isReady, exited])) return;
    signal?.throwIfAborted();
    if (performance.now() > deadline) {
      throw new PartError(name, `was not ready after ${startTimeoutMs / 1_000} s`, running.tail());
    }
    await Promise.race([delay(Math.min(interval, PROBE_INTERVAL_MS.longest)), exited]);
  }
}
