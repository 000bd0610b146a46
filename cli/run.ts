import { CommanderError } from '@commander-js/extra-typings';
import { ConfigError } from '../config/config.ts';
import { controlBucketText } from '../storage/control-bucket.ts';
import { isStorageError } from '../storage/errors.ts';
import { CliError, usageError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { remark } from './output.ts';
import { createProgram } from './program.ts';
import { inOneLine, printable } from './text.ts';

/** Runs one command line (without the program's name) and gives the exit code. What goes wrong is one line on stderr. */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    const [first, second] = args;
    // Left alone, `help nope` shows the help of all, as if nothing were wrong.
    if (first === 'help' && second !== undefined && !program.commands.some((command) => command.name() === second)) {
      throw usageError(`unknown command '${printable(second)}'`);
    }
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    const { code, message } = explain(error, context.env['CONTROL_BUCKET'] ?? '');
    if (message !== undefined) remark(context, message);
    return code;
  }
}

/** What an error means to a person and to a script. */
function explain(error: unknown, controlBucket: string): { code: number; message?: string } {
  if (error instanceof CliError) return { code: error.exitCode, message: error.message };
  if (error instanceof ConfigError) return { code: EXIT.settings, message: inOneLine(error) };
  if (error instanceof CommanderError) return usage(error);
  if (isStorageError(error)) {
    // Of other buckets, commands say themselves what is wrong with them.
    const bucket = controlBucketText(printable(controlBucket));
    if (error.kind === 'notFound') return { code: EXIT.settings, message: `${bucket} does not exist` };
    const code = error.isTransient ? EXIT.unreachable : EXIT.refused;
    return { code, message: `storage: ${bucket}: ${inOneLine(error)}` };
  }
  return {
    code: EXIT.defect,
    message: `a defect of this program: ${error instanceof Error ? error.stack : String(error)}`,
  };
}

function usage({ code, exitCode, message }: CommanderError): { code: number; message?: string } {
  // Help and version are thrown too; help that nobody asked for stands for a missing command.
  if (exitCode === 0) return { code: EXIT.done };
  if (code === 'commander.help') return { code: EXIT.usage };
  return { code: EXIT.usage, message: inOneLine(message.replace(/^error: /, '')) };
}
