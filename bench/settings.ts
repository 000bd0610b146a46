import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How much is measured: about a minute, about ten, or with the million files about half an hour. */
export const MODES = ['quick', 'default', 'full'] as const;
export type Mode = (typeof MODES)[number];

export interface Settings {
  mode: Mode;
  /** Names of the scenarios to run; undefined: all of the mode. */
  only: readonly string[] | undefined;
  /** Folder that the workers' CPU profiles are written to. */
  profileFolder: string | undefined;
}

export const USAGE = `npm run bench -- [--quick | --full] [--only NAME,NAME] [--profile FOLDER]

  --quick    about a minute
  --full     everything, the million files too
  --only     these scenarios alone; nothing is written to docs/benchmarks.md
  --profile  has the workers write CPU profiles to this folder, and shows where they spent their time
  --help     shows this

Without any of these, what takes about ten minutes. Prints a table; exit code 1 where a bound is not met.`;

/** Reads the command line; undefined: it asks for help. Throws TypeError for what it does not know. */
export function readSettings(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.quick && values.full) throw new TypeError('--quick and --full exclude each other');
  return {
    mode: values.quick ? 'quick' : values.full ? 'full' : 'default',
    only: values.only?.split(','),
    profileFolder: values.profile === undefined ? undefined : resolve(values.profile),
  };
}
