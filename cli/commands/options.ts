import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { parseCorrelationId } from '../../contract/ids.ts';
import { usageError } from '../cli-error.ts';
import { printable } from '../text.ts';

/** Options that more than one command has. */

/** A job as examples name it. */
export const EXAMPLE_ID = 'c7164076-9224-401c-a6bd-21908563abf8';

export const jsonOption = new Option('--json', 'JSON lines, at a terminal too (elsewhere they are usual)');

export const apiOption = new Option('--api <url>', 'the API (default: APOLLO_API_URL, else http://127.0.0.1:8080)');

export const tokenOption = new Option(
  '--token <token>',
  'the access token (default: APOLLO_TOKEN; others on the machine can see what stands on a command line)',
);

export const tokenCommandOption = new Option(
  '--token-command <command>',
  'a command that prints the access token, run again when it expires (default: APOLLO_TOKEN_COMMAND)',
);

export const timeoutOption = new Option(
  '--timeout <seconds>',
  'stop waiting so many seconds after the start of the command; the job goes on (exit code 8)',
).argParser(numberAbove0);

/** A parser of whole numbers between two bounds. */
export function wholeNumberFrom(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function numberAbove0(text: string): number {
  const value = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** A parser of numbers between two bounds. */
export function numberFrom(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+(?:\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max.toLocaleString('en-GB')}.`);
  };
}

/** Gives the id in its canonical form; throws CliError. */
export function correlationId(text: string): string {
  const id = parseCorrelationId(text);
  if (id === undefined)
    throw usageError(`'${printable(text)}' is no correlation id: give a UUID, such as ${EXAMPLE_ID}`);
  return id;
}

/** What the help says after the options. Each example is a line as typed. */
export function examples(...lines: string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
