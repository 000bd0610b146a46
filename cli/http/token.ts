import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { inOneLine } from '../text.ts';

/** A command that asks a person something nobody sees would hang. */
const COMMAND_TIMEOUT_MS = 60_000;

/** Where tokens come from. */
export interface TokenSource {
  /** The token to send; with `renew` another one than before, where there can be one. */
  token(options?: { renew?: boolean }): Promise<string>;
  /** Whether a token that was refused can be replaced. */
  readonly isRenewable: boolean;
}

export interface TokenOptions {
  token?: string | undefined;
  tokenCommand?: string | undefined;
}

/** What is given on the command line goes before the environment; there, a token before a command. Throws CliError. */
export function tokenSource(options: TokenOptions, env: Readonly<Record<string, string | undefined>>): TokenSource {
  const [given, set] = [options, { token: env['APOLLO_TOKEN'], tokenCommand: env['APOLLO_TOKEN_COMMAND'] }];
  for (const from of [given, set]) {
    const { token, tokenCommand } = from;
    if (token) return fixedToken(token);
    if (tokenCommand) return commandToken(tokenCommand, env, from === set ? EXIT.settings : EXIT.refused);
  }
  throw new CliError(
    EXIT.settings,
    'no token: give --token-command or --token, or set APOLLO_TOKEN_COMMAND or APOLLO_TOKEN',
  );
}

function fixedToken(token: string): TokenSource {
  const trimmed = checked(token.trim(), 'the token');
  return { isRenewable: false, token: () => Promise.resolve(trimmed) };
}

/** Runs the command in a shell when a token is first needed, and again where that one is refused. */
function commandToken(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  exitCode: number,
): TokenSource {
  let kept: Promise<string> | undefined;
  return {
    isRenewable: true,
    async token({ renew = false } = {}) {
      if (renew) kept = undefined;
      kept ??= run(command, env, exitCode);
      return await kept;
    },
  };
}

async function run(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  exitCode: number,
): Promise<string> {
  try {
    const { stdout } = await promisify(exec)(command, { env, timeout: COMMAND_TIMEOUT_MS, encoding: 'utf8' });
    return checked(stdout.trim(), 'what the token command printed');
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const why = stderr.trim() === '' ? '' : `: ${inOneLine(stderr)}`;
    const how = typeof code === 'number' ? `exit code ${code}` : 'ended by force, or after a minute';
    throw new CliError(exitCode, `the token command failed (${how})${why}`, { cause: error });
  }
}

/** A header takes nothing else; the token itself must not show in the message. */
function checked(token: string, what: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CliError(EXIT.usage, `${what} is ${token === '' ? 'empty' : 'no token: it has blanks or odd characters'}`);
}
