import assert from 'node:assert/strict';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { bearerToken } from '../../api/auth/bearer-token.ts';
import { createTokenVerifier } from '../../api/auth/verify-token.ts';
import { askWith, assertInvalid, LOGS } from './asking.ts';
import {
  assertAnswer,
  CLAIMS,
  copyBody,
  FORBIDDEN_TEXT,
  ID,
  ISSUER,
  NOW,
  publicJwk,
  setUp,
  signToken,
  token,
} from './support.ts';

const SECONDS = NOW / 1000;

const accepted = async (claims: JWTPayload) =>
  assertAnswer((await askWith(`Bearer ${await signToken(claims)}`)).response, 200);
const refused = async (claims: JWTPayload) => assertInvalid(`Bearer ${await signToken(claims)}`);

describe('a request without a token', () => {
  for (const [what, authorization] of [
    ['no Authorization header', undefined],
    ['an empty one', ''],
    ['another scheme', 'Basic YWxpY2U6c2VjcmV0'],
    ['a scheme without a token', 'Bearer'],
    ['a token without a scheme', token],
  ] as const) {
    it(`is told to bring one, with no error code: ${what}`, async () => {
      const { response, calls } = await askWith(authorization);
      assert.equal(await assertAnswer(response, 401), null);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
      assert.deepEqual(calls, []);
    });
  }

  it('is not helped by a token in the query, which does not reach the log either', async () => {
    const { request, lines } = setUp();
    assert.equal((await request(`${LOGS}&access_token=${token}`)).status, 401);
    assert.ok(!JSON.stringify(lines).includes(token.slice(-20)));
  });
});

describe('a token', () => {
  it('is accepted under its scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      await assertAnswer((await askWith(`${scheme} ${token}`)).response, 200);
    }
  });

  for (const [what, authorization] of [
    ['two tokens', `Bearer ${token} ${token}`],
    ['a header sent twice', `Bearer ${token}, Bearer ${token}`],
    ['no JWT', 'Bearer abc'],
    ['characters no token has', 'Bearer <script>'],
    ['a part missing', `Bearer ${token.split('.').slice(0, 2).join('.')}`],
    ['an empty signature', `Bearer ${token.split('.').slice(0, 2).join('.')}.`],
    ['another signature', `Bearer ${token.slice(0, -8)}AAAAAAAA`],
  ] as const) {
    it(`is refused: ${what}`, () => assertInvalid(authorization));
  }

  it('is looked at only where the header holds exactly one', () => {
    assert.equal(bearerToken('Bearer a.b-c_d~e+f/g=='), 'a.b-c_d~e+f/g==');
    for (const header of ['Bearer a b', 'Bearer a, Bearer b', 'Bearer a\tb', 'Bearer ü', 'Bearer =a']) {
      assert.throws(() => bearerToken(header), { problem: 'invalid' }, header);
    }
  });

  it('is refused with an algorithm outside the four, though its key is there', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS512');
    const strong = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS512', kid: 'k' }).sign(privateKey);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k' };
    const authenticate = createTokenVerifier({
      issuer: ISSUER,
      audience: undefined,
      keys: createLocalJWKSet({ keys: [jwk] }),
      now: () => NOW,
    });
    await assertInvalid(`Bearer ${strong}`, setUp({ authenticate }));
  });

  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    it(`is accepted signed with ${alg}`, async () => {
      const { publicKey, privateKey } = await generateKeyPair(alg);
      const authenticate = createTokenVerifier({
        issuer: ISSUER,
        audience: undefined,
        keys: createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }),
        now: () => NOW,
      });
      const signed = await new SignJWT(CLAIMS).setProtectedHeader({ alg, kid: 'k' }).sign(privateKey);
      await assertAnswer((await askWith(`Bearer ${signed}`, setUp({ authenticate }))).response, 200);
    });
  }

  it('is accepted up to 60 s after its end and before its beginning, and no longer', async () => {
    const now = Math.floor(SECONDS);
    await accepted({ exp: now - 59 });
    await refused({ exp: now - 60 });
    await accepted({ nbf: now + 60 });
    await refused({ nbf: now + 61 });
  });

  for (const [what, claims] of [
    ['an exp that is text', { exp: String(SECONDS + 600) }],
    ['another issuer', { iss: `${ISSUER}/` }],
    ['a list of issuers', { iss: [ISSUER] }],
    ['an empty sub', { sub: '' }],
    ['a blank sub', { sub: ' ' }],
    ['a sub that is no text', { sub: 7 }],
    ['a null sub beside a client_id', { sub: null, client_id: 'app-1' }],
    ['a client_id that is no text beside a sub', { client_id: ['app-1'] }],
    ['a line feed in the sub', { sub: 'alice\nadmin' }],
    ['a sub of 256 characters', { sub: 'a'.repeat(256) }],
    ['scopes in an object', { scope: { apollo_read: true } }],
    ['a null scope', { scope: null }],
    ['a scope that is no text', { scope: ['apollo_read', 7] }],
    ['a doubtful scp beside a good scope', { scp: 7 }],
  ] as [string, JWTPayload][]) {
    it(`is refused with ${what}`, () => refused(claims));
  }

  it('needs the audience where one is set, alone or among others', async () => {
    const authenticate = createTokenVerifier({
      issuer: ISSUER,
      audience: 'apollo',
      keys: createLocalJWKSet({ keys: [publicJwk] }),
      now: () => NOW,
    });
    for (const aud of ['apollo', ['x', 'apollo']]) {
      const { response } = await askWith(`Bearer ${await signToken({ aud })}`, setUp({ authenticate }));
      await assertAnswer(response, 200);
    }
    for (const aud of [undefined, 'x', ['x'], []]) {
      await assertInvalid(`Bearer ${await signToken(aud === undefined ? {} : { aud })}`, setUp({ authenticate }));
    }
  });
});

describe('scopes', () => {
  for (const [what, claims] of [
    ['scope, separated by spaces', { scope: 'openid apollo_write  apollo_read' }],
    ['scope, as an array', { scope: ['apollo_read', 'apollo_write'] }],
    ['scp, separated by spaces', { scope: undefined, scp: 'apollo_read apollo_write' }],
    ['scp, as an array', { scope: undefined, scp: ['apollo_read', 'apollo_write'] }],
  ] as [string, JWTPayload][]) {
    it(`are read from ${what}`, () => accepted(claims));
  }

  for (const [what, claims] of [
    ['none', { scope: undefined }],
    ['only one of two', { scope: 'apollo_read' }],
    ['only the other', { scope: 'apollo_write' }],
    ['one that looks alike', { scope: 'apollo_read apollo_writer' }],
    ['admin alone', { scope: 'apollo_admin' }],
    ['more in scp than in scope', { scope: 'apollo_read', scp: 'apollo_read apollo_write' }],
  ] as [string, JWTPayload][]) {
    it(`are missing with ${what}: 403 with the documented text, on every route that needs both`, async () => {
      const { request, calls } = setUp();
      const headers = { authorization: `Bearer ${await signToken(claims)}`, 'content-type': 'application/json' };
      const body = JSON.stringify(copyBody());
      for (const response of [
        await request(LOGS, { headers }),
        await request('/apollo/files/copy', { method: 'POST', headers, body }),
        await request(`/apollo/files/copy/${ID}/cancel`, { method: 'POST', headers }),
      ]) {
        assert.equal(await assertAnswer(response, 403, FORBIDDEN_TEXT), null);
        assert.equal(
          response.headers.get('www-authenticate'),
          'Bearer error="insufficient_scope", scope="apollo_read apollo_write"',
        );
      }
      assert.deepEqual(calls, []);
    });
  }

  it('let apollo_read alone track, and nothing less', async () => {
    const { request } = setUp();
    const track = async (scope: string) =>
      request(`/apollo/files/track/${ID}`, { headers: { authorization: `Bearer ${await signToken({ scope })}` } });
    await assertAnswer(await track('apollo_read'), 200);
    await assertAnswer(await track('apollo_write'), 403, FORBIDDEN_TEXT);
  });
});

describe('the caller', () => {
  for (const [what, claims, viewer] of [
    ['sub, where there is one', { sub: 'alice', client_id: 'app-1' }, { caller: 'alice', isAdmin: false }],
    ['client_id, where there is no sub', { sub: undefined, client_id: 'app-1' }, { caller: 'app-1', isAdmin: false }],
    [
      'an administrator with apollo_admin',
      { scope: 'apollo_read apollo_write apollo_admin' },
      { caller: 'alice', isAdmin: true },
    ],
  ] as [string, JWTPayload, object][]) {
    it(`is ${what}`, async () => {
      const { calls } = await askWith(`Bearer ${await signToken(claims)}`);
      assert.deepEqual(calls[0]?.[2], viewer);
    });
  }
});
