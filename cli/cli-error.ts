import { EXIT } from './exit-codes.ts';

/** Why a command could not do what it was asked: one line for the person, and the exit code for the script. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Something that may answer a while later did not. */
export class UnreachableError extends CliError {
  override readonly name = 'UnreachableError';
  /** When to try again, in milliseconds, where the answer said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(EXIT.unreachable, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The time that a command was given is over. */
export class TimeOverError extends CliError {
  override readonly name = 'TimeOverError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(EXIT.notEnded, message, options);
  }
}

/** What was asked for makes no sense; the message says what would. */
export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message);
}
