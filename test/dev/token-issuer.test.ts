import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts } from '../../dev/ports.ts';
import { AUDIENCE, startTokenIssuer, type TokenIssuer } from '../../dev/token-issuer.ts';

describe('token issuer', () => {
  let folder: string;
  let port: number;
  const claims = createPortClaims();
  const issuers: TokenIssuer[] = [];

  async function start(keyFile?: string): Promise<TokenIssuer> {
    const issuer = await startTokenIssuer({ port, ...(keyFile !== undefined && { keyFile }) });
    issuers.push(issuer);
    return issuer;
  }

  async function stopAll(): Promise<void> {
    for (const issuer of issuers.splice(0)) await issuer.close();
  }

  const verify = ({ issuer, jwksUrl }: TokenIssuer, token: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(jwksUrl)), { issuer, audience: AUDIENCE, algorithms: ['RS256'] });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'issuer-'));
    ({ port } = await choosePorts({ port: 0 }, { anyFree: true, claim: claims.take }));
  });

  afterEach(async () => {
    await stopAll();
    await claims.release();
    await rm(folder, { recursive: true });
  });

  it('signs tokens that verify against its key set', async () => {
    const issuer = await start();
    const { payload } = await verify(issuer, await issuer.issueToken({ sub: 'somebody', clientId: 'a-client' }));
    assert.equal(payload.sub, 'somebody');
    assert.equal(payload['client_id'], 'a-client');
    assert.equal(payload['scope'], 'apollo_read apollo_write');
    assert.equal(payload.exp! - payload.iat!, 3_600);
  });

  it('serves nothing private', async () => {
    const { jwksUrl } = await start();
    const { keys } = (await (await fetch(jwksUrl)).json()) as { keys: Record<string, string>[] };
    assert.deepEqual(Object.keys(keys[0]!).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  it('makes tokens that have expired, for another audience, or without a caller, when asked to', async () => {
    const issuer = await start();
    const tokenOf = (claims: Record<string, unknown>) => issuer.issueToken({ sub: 'somebody', claims });
    await assert.rejects(verify(issuer, await issuer.issueToken({ sub: 'somebody', expiresIn: -10 })), {
      code: 'ERR_JWT_EXPIRED',
    });
    await assert.rejects(verify(issuer, await tokenOf({ aud: 'else' })), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
    const { payload } = await verify(issuer, await tokenOf({ sub: undefined }));
    assert.equal(payload.sub, undefined);
  });

  it('keeps its key in a file only its owner reads, so that tokens survive a restart', async () => {
    const keyFile = join(folder, 'key.json');
    const token = await (await start(keyFile)).issueToken({ sub: 'somebody' });
    await stopAll();
    assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
    await verify(await start(keyFile), token);
  });

  it('without a file, has a new key each time', async () => {
    const token = await (await start()).issueToken({ sub: 'somebody' });
    await stopAll();
    await assert.rejects(verify(await start(), token), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });
});
