import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readCommandLine } from './command-line.ts';
import { keyFileIn, signerWith } from './token-issuer.ts';

/**
 * `npm run dev:token`: a further token for the stack of `npm run dev`, of another caller or with other scopes. Only where
 * that stack runs: it is signed with the key of its issuer, whom nobody else believes.
 */

const SCOPES = ['apollo_read', 'apollo_write', 'apollo_admin'];
const LIFETIME_SECONDS = 24 * 3_600;
const ANSWER_TIMEOUT_MS = 2_000;

const USAGE = `npm run --silent dev:token -- --sub NAME [--scope "SCOPE …"] [--data FOLDER]

  --sub     who the token is for
  --scope   of ${SCOPES.join(', ')}; "" for none (default: "apollo_read apollo_write")
  --data    data folder of the stack (default: .data)
  --help    shows this

Prints a token for the stack of npm run dev, which has to run.`;

/** What cannot be done; the message says all that a person needs. */
class TokenProblem extends Error {
  override readonly name = 'TokenProblem';
}

function issuerFileIn(dataFolder: string): string {
  return join(dataFolder, 'issuer.json');
}

/** Leaves word in the data folder where the issuer of its stack is; gives what takes it back. */
export async function announceIssuer(
  dataFolder: string,
  issuer: string,
  jwksUrl: string,
): Promise<() => Promise<void>> {
  const file = issuerFileIn(dataFolder);
  await writeFile(file, JSON.stringify({ issuer, jwksUrl }));
  return () => rm(file, { force: true });
}

/** The issuer of the stack that runs on this folder, with the id of its key. Throws TokenProblem. */
async function runningIssuer(dataFolder: string): Promise<{ issuer: string; keyIds: (string | undefined)[] }> {
  try {
    const text = await readFile(issuerFileIn(dataFolder), 'utf8');
    const { issuer, jwksUrl } = JSON.parse(text) as { issuer: string; jwksUrl: string };
    const response = await fetch(jwksUrl, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    const { keys } = (await response.json()) as { keys: { kid?: string }[] };
    return { issuer, keyIds: keys.map(({ kid }) => kid) };
  } catch (error) {
    const folder = relative(process.cwd(), dataFolder) || '.';
    throw new TokenProblem(`no stack runs on ${folder}: start one with npm run dev`, { cause: error });
  }
}

function scopesIn(text: string | undefined): string[] | undefined {
  const scopes = text?.split(/[\s,]+/).filter((scope) => scope !== '');
  const unknown = scopes?.find((scope) => !SCOPES.includes(scope));
  if (unknown !== undefined) throw new TypeError(`there is no scope ${unknown}: ${SCOPES.join(', ')}`);
  return scopes;
}

interface TokenRequest {
  sub: string;
  scopes: string[] | undefined;
  dataFolder: string;
}

/** What token is asked for; undefined: help. Throws TypeError for what it does not know. */
function readRequest(args: string[]): TokenRequest | undefined {
  const { values } = parseArgs({
    args,
    options: {
      sub: { type: 'string' },
      scope: { type: 'string' },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.sub === undefined || values.sub === '') throw new TypeError('--sub is required');
  const dataFolder = resolve(values.data ?? join(import.meta.dirname, '..', '.data'));
  return { sub: values.sub, scopes: scopesIn(values.scope), dataFolder };
}

async function makeToken({ sub, scopes, dataFolder }: TokenRequest): Promise<string> {
  const { issuer, keyIds } = await runningIssuer(dataFolder);
  const signer = await signerWith(keyFileIn(dataFolder), issuer);
  if (!keyIds.includes(signer.keyId)) throw new TokenProblem(`${issuer} has another key than ${dataFolder}`);
  return await signer.sign({ sub, ...(scopes && { scopes }), expiresIn: LIFETIME_SECONDS });
}

if (import.meta.main) {
  const read = () => readRequest(process.argv.slice(2));
  const request = readCommandLine({ name: 'dev:token', usage: USAGE, read });
  try {
    if (request !== undefined) console.log(await makeToken(request));
  } catch (error) {
    if (!(error instanceof TokenProblem)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
