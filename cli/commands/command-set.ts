import type { Command } from '@commander-js/extra-typings';
import type { CliContext } from '../context.ts';

/** What a command is added to, and what it needs to run. */
export interface CommandSet {
  readonly program: Command;
  readonly context: CliContext;
  /** Has the process end with this code, where all else goes well. */
  readonly exitWith: (code: number) => void;
}
