import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type JWK,
  type JWTPayload,
} from 'jose';
import { LOOPBACK } from './ports.ts';

/** The audience of every token made here. */
export const AUDIENCE = 'apollo';

const ALGORITHM = 'RS256';
const DEFAULT_SCOPES = ['apollo_read', 'apollo_write'];

export interface TokenRequest {
  /** Who the token is for. */
  sub: string;
  clientId?: string;
  /** Default: apollo_read and apollo_write. */
  scopes?: readonly string[];
  /** Lifetime in seconds, default an hour; negative: a token that has expired. */
  expiresIn?: number;
  /** Claims that replace the usual ones; `undefined` leaves one out. */
  claims?: Readonly<Record<string, unknown>>;
}

/** Makes tokens of an issuer with its key. */
interface Signer {
  /** The public half, as the issuer's key set has it. */
  readonly publicKey: JWK;
  readonly keyId: string | undefined;
  sign: (request: TokenRequest) => Promise<string>;
}

export interface TokenIssuer {
  /** Value of the claim `iss`. */
  readonly issuer: string;
  /** Where the public key is served, as a JSON Web Key Set. */
  readonly jwksUrl: string;
  issueToken(request: TokenRequest): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts an issuer of tokens for development and tests, on the loopback address only.
 * `keyFile`: where its private key is kept (mode 0600), so that tokens survive a restart; without it, in memory.
 */
export async function startTokenIssuer({ port, keyFile }: { port: number; keyFile?: string }): Promise<TokenIssuer> {
  const issuer = `http://${LOOPBACK}:${port}/`;
  const { publicKey, sign } = await signerWith(keyFile, issuer);
  const keySet = JSON.stringify({ keys: [publicKey] });

  const path = '/.well-known/jwks.json';
  const server = createServer((request, response) => {
    const found = request.url === path;
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(found ? keySet : '{}');
  });
  server.listen(port, LOOPBACK);
  await once(server, 'listening');

  return {
    issuer,
    jwksUrl: new URL(path, issuer).href,
    issueToken: sign,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Where an issuer that keeps its data in this folder has its private key. */
export function keyFileIn(dataFolder: string): string {
  return join(dataFolder, 'issuer-key.json');
}

/** What signs for this issuer, with the key in a file (made where it is not there), or with a new one. */
export async function signerWith(keyFile: string | undefined, issuer: string): Promise<Signer> {
  const jwk = keyFile === undefined ? await newKey() : await keptKey(keyFile);
  const privateKey = await importJWK(jwk, ALGORITHM);
  const header = { alg: ALGORITHM, typ: 'JWT', kid: jwk.kid ?? '' };
  return {
    publicKey: { kty: 'RSA', n: jwk.n, e: jwk.e, kid: jwk.kid, alg: ALGORITHM, use: 'sig' } as JWK,
    keyId: jwk.kid,
    sign: (request) => new SignJWT(claimsOf(request, issuer)).setProtectedHeader(header).sign(privateKey),
  };
}

function claimsOf({ sub, clientId, scopes = DEFAULT_SCOPES, expiresIn = 3_600, claims }: TokenRequest, iss: string) {
  const now = Math.floor(Date.now() / 1_000);
  const times = { iat: expiresIn < 0 ? now + expiresIn - 60 : now, exp: now + expiresIn, jti: randomUUID() };
  const all = { iss, aud: AUDIENCE, sub, client_id: clientId, scope: scopes.join(' '), ...times, ...claims };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as JWTPayload;
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk) };
}

async function keptKey(keyFile: string): Promise<JWK> {
  try {
    return JSON.parse(await readFile(keyFile, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const jwk = await newKey();
  // Renamed when whole: an interrupted write leaves no half key behind.
  await writeFile(`${keyFile}.new`, JSON.stringify(jwk), { mode: 0o600 });
  await rename(`${keyFile}.new`, keyFile);
  return jwk;
}
