import { constants } from 'node:os';
import { startStack, type Stack, type StackOptions } from './stack.ts';
import { step } from './output.ts';
import { ensureTools, ToolsError } from './tools.ts';
import { PartError } from './part.ts';

/** Somebody wants this to end: Ctrl-C, SIGTERM, or the terminal is gone. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`Ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** An error whose message says all that a person needs. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** npm hands a Ctrl-C on to a process that the terminal has already told: only a later one is a second one. */
const SECOND_INTERRUPT_AFTER_MS = 1_000;

interface Launch extends Pick<StackOptions, 'dataFolder' | 'keepWorkflows' | 'env'> {
  /** What is done on the stack; the signal is aborted where it should end early. */
  run: (stack: Stack, signal: AbortSignal) => Promise<void>;
  /** Exit code for Ctrl-C and SIGTERM; default: the usual 130 and 143. */
  interruptedExitCode?: number;
}

/**
 * Brings up a stack, runs something on it and ends it again, whatever happens: done, failed, interrupted, or a part
 * that died. Prints what went wrong, with the tails of the logs, and sets the process's exit code.
 */
export async function launch({ run, interruptedExitCode, ...options }: Launch): Promise<void> {
  const end = new AbortController();
  const interrupted = endOnSignals(end);
  let stack: Stack | undefined;
  try {
    await step('Tools: temporal and fake-gcs-server', () => ensureTools(end.signal));
    const onDeath = (error: PartError) => {
      end.abort(error);
    };
    stack = await step('Stack: Temporal, storage emulator, worker, API', () =>
      startStack({ ...options, signal: end.signal, onDeath }),
    );
    await run(stack, end.signal);
  } catch (error) {
    const reason: unknown = end.signal.aborted ? end.signal.reason : error;
    if (!(reason instanceof Interrupted)) explain(reason, stack);
    process.exitCode = reason instanceof Interrupted ? (interruptedExitCode ?? reason.exitCode) : 1;
  } finally {
    await stack?.stop();
    interrupted.ignore();
  }
}

function endOnSignals(end: AbortController): { ignore: () => void } {
  let since: number | undefined;
  const listener = (signal: NodeJS.Signals) => {
    since ??= performance.now();
    const interrupted = new Interrupted(signal);
    if (performance.now() - since > SECOND_INTERRUPT_AFTER_MS) {
      // Whatever hangs: the guard ends what is left.
      process.exit(interrupted.exitCode);
    }
    if (!end.signal.aborted) console.error('\nStopping …');
    end.abort(interrupted);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    ignore: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}

function explain(error: unknown, stack: Stack | undefined): void {
  const isPlain = error instanceof Problem || error instanceof PartError || error instanceof ToolsError;
  console.error(
    `\n✗ ${isPlain ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  // A PartError brings the tail of the one log that matters.
  if (stack === undefined || error instanceof PartError) return;
  for (const part of [stack.api, stack.worker]) {
    console.error(`\nLast output of ${part.name}:\n${part.tail()}`);
  }
}
