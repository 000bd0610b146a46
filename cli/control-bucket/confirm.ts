import { createInterface } from 'node:readline/promises';
import { usageError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';

/** Asks a person at a terminal; where there is none, throws CliError that names the option to give instead. */
export async function confirm(question: string, { stdin, stdout, signal }: CliContext): Promise<boolean> {
  if (stdin.isTTY !== true || stdout.isTTY !== true) throw usageError('nobody can be asked here: give --yes');
  const terminal = createInterface({ input: stdin, output: stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
