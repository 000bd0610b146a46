import assert from 'node:assert/strict';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTVerifyGetKey } from 'jose';
import { createTokenVerifier } from '../../api/auth/verify-token.ts';
import { VerifiedTokens } from '../../api/auth/verified-tokens.ts';
import { ISSUER, NOW, publicJwk, signToken } from './support.ts';

/** A verifier by a clock of the test's own, whose keys may be read again. */
function verifying() {
  const state = { now: NOW, set: createLocalJWKSet({ keys: [publicJwk] }), signatures: 0 };
  // What is asked for while a signature is checked, and only then.
  const { subtle } = globalThis.crypto;
  const original = subtle.verify.bind(subtle);
  subtle.verify = (...args: Parameters<SubtleCrypto['verify']>) => {
    state.signatures += 1;
    return original(...args);
  };
  const keys: JWTVerifyGetKey = (header, token) => state.set(header, token);
  const verify = createTokenVerifier({ issuer: ISSUER, audience: undefined, keys, now: () => state.now });
  const restore = () => {
    subtle.verify = original;
  };
  return { state, verify, restore };
}

const SECONDS = Math.floor(NOW / 1_000);

describe('a token that was verified before', () => {
  let world: ReturnType<typeof verifying>;

  beforeEach(() => {
    world = verifying();
  });

  afterEach(() => {
    world.restore();
  });

  it('has its signature checked once', async () => {
    const { state, verify } = world;
    const token = await signToken({ exp: SECONDS + 600 });
    const first = await verify(token);
    state.now = NOW + 500_000;
    assert.deepEqual(await verify(token), first);
    assert.equal(state.signatures, 1);
  });

  it('has it checked again once the keys were read again, and is refused where its own is gone', async () => {
    const { state, verify } = world;
    const token = await signToken({ exp: SECONDS + 600 });
    await verify(token);
    state.set = createLocalJWKSet({ keys: [{ ...publicJwk }] });
    await verify(token);
    assert.equal(state.signatures, 2);
    const { publicKey } = await generateKeyPair('RS256');
    state.set = createLocalJWKSet({
      keys: [{ ...(await exportJWK(publicKey)), kid: publicJwk.kid, alg: 'RS256' }],
    });
    await assert.rejects(verify(token), { problem: 'invalid' });
    state.set = createLocalJWKSet({ keys: [] });
    await assert.rejects(verify(token), { problem: 'invalid' });
  });

  it('is not accepted past its end', async () => {
    const { state, verify } = world;
    const token = await signToken({ exp: SECONDS - 50 });
    await verify(token);
    state.now = (SECONDS + 10) * 1_000 - 1;
    await verify(token);
    assert.equal(state.signatures, 1);
    state.now += 1;
    await assert.rejects(verify(token), { problem: 'invalid' });
  });

  it('is verified again by a clock that has gone back', async () => {
    const { state, verify } = world;
    const token = await signToken({ nbf: SECONDS, exp: SECONDS + 600 });
    await verify(token);
    state.now = NOW - 62_000;
    await assert.rejects(verify(token), { problem: 'invalid' });
  });

  it('says nothing of another one, though it differs in its signature alone', async () => {
    const { verify } = world;
    const token = await signToken({ exp: SECONDS + 600 });
    await verify(token);
    await assert.rejects(verify(`${token.slice(0, -8)}AAAAAAAA`), { problem: 'invalid' });
    assert.equal((await verify(await signToken({ sub: 'bob', exp: SECONDS + 600 }))).requestor.caller, 'bob');
  });

  it('is not remembered where it was refused', async () => {
    const { state, verify } = world;
    const token = await signToken({ iss: 'https://other.example/', exp: SECONDS + 600 });
    for (const times of [1, 2]) {
      await assert.rejects(verify(token), { problem: 'invalid' });
      assert.equal(state.signatures, times);
    }
  });

  it('is forgotten where very many others came after it', async () => {
    const tokens = new VerifiedTokens();
    const caller = { requestor: { caller: 'alice', principals: ['alice'] }, scopes: new Set<never>() };
    const verified = { key: 'key', caller, from: NOW, until: NOW + 60_000 };
    for (let index = 0; index <= 10_000; index += 1) tokens.remember(`token ${index}`, verified);
    const find = (index: number) => tokens.find(`token ${index}`, NOW, () => Promise.resolve('key'));
    assert.equal(await find(0), undefined);
    assert.equal(await find(1), caller);
    assert.equal(await find(10_000), caller);
  });
});
