import { Command } from '@commander-js/extra-typings';
import packageJson from '../package.json' with { type: 'json' };
import { addCollections } from './commands/collections.ts';
import type { CommandSet } from './commands/command-set.ts';
import { addControl, addRetry } from './commands/control.ts';
import { addCopy } from './commands/copy.ts';
import { addList } from './commands/list.ts';
import { addLocks } from './commands/locks.ts';
import { addReport } from './commands/report.ts';
import { addStatus } from './commands/status.ts';
import { addSweep } from './commands/sweep.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';

const SETTINGS_HELP = `
Settings (environment):
  APOLLO_API_URL                          the API (default: http://127.0.0.1:8080)
  APOLLO_TOKEN, APOLLO_TOKEN_COMMAND      an access token, or a command that prints one
  CONTROL_BUCKET, GOOGLE_*, STORAGE_EMULATOR_HOST
                                          as the worker has them: for collections and locks
  TEMPORAL_*                              as the worker has them: for locks break and sweep

`;

/** All commands. Actions run in `parseAsync`; wrong usage throws CommanderError. */
export function createProgram(context: CliContext, exitWith: CommandSet['exitWith']): Command {
  const program = new Command('apollo')
    .description('Copies files between collections in Google Cloud Storage, as durable jobs.')
    .version(packageJson.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', SETTINGS_HELP + EXIT_CODES_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 120,
      getErrHelpWidth: () => context.stderr.columns ?? 120,
      // Told by whoever runs the program, in one line.
      outputError: () => undefined,
    });
  const commands: CommandSet = { program, context, exitWith };
  addCopy(commands);
  addStatus(commands);
  addList(commands);
  addControl(commands);
  addRetry(commands);
  addReport(commands);
  addCollections(commands);
  addLocks(commands);
  addSweep(commands);
  return program;
}
