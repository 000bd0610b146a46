import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { createTokenVerifier, type TokenVerifier } from '../../api/auth/verify-token.ts';
import { listen } from '../../api/server.ts';
import { askWith, assertInvalid, LOGS } from './asking.ts';
import { AUDIENCE, ecJwk, SCOPE_ATTACKS, TOKEN_ATTACKS } from './token-attacks.ts';
import { assertAnswer, CLAIMS, FORBIDDEN_TEXT, ISSUER, NOW, publicJwk, setUp, signToken } from './support.ts';

const verifierWith = (keys: JWK[]): TokenVerifier =>
  createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys: createLocalJWKSet({ keys }), now: () => NOW });

const appWith = (authenticate: TokenVerifier) => setUp({ authenticate });
const strict = () => appWith(verifierWith([publicJwk, ecJwk]));

describe('the service under attack', () => {
  it('takes the token that all attacks are made of', async () => {
    const { response } = await askWith(`Bearer ${await signToken({ aud: AUDIENCE })}`, strict());
    await assertAnswer(response, 200);
  });

  for (const [what, attacks] of Object.entries(TOKEN_ATTACKS)) {
    describe(`by ${what} refuses a token with`, () => {
      for (const { title, make, careless } of attacks) {
        it(title, async () => {
          const token = await make();
          await assertInvalid(`Bearer ${token}`, strict());
          const { response } = await askWith(`Bearer ${token}`, appWith(careless));
          await assertAnswer(response, 200);
        });
      }
    });
  }

  describe('by scopes refuses a token with', () => {
    for (const { title, make, careless } of SCOPE_ATTACKS) {
      it(title, async () => {
        const token = await make();
        const { response, calls } = await askWith(`Bearer ${token}`, strict());
        await assertAnswer(response, 403, FORBIDDEN_TEXT);
        assert.deepEqual(calls, []);
        await assertAnswer((await askWith(`Bearer ${token}`, appWith(careless))).response, 200);
      });
    }
  });

  describe("by the issuer's keys", () => {
    const keyCases: [title: string, change: Partial<JWK>, modulusLength?: number][] = [
      ['uses none that is for encryption', { use: 'enc' }],
      ['uses none that may not verify', { key_ops: ['encrypt'] }],
      ['uses none for another algorithm', { alg: 'PS256' }],
      ['uses none that is shorter than 2,048 bits', {}, 1_024],
    ];
    for (const [title, change, modulusLength = 2_048] of keyCases) {
      it(title, async () => {
        const { publicKey, privateKey } = await crypto.subtle.generateKey(
          { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([1, 0, 1]) },
          true,
          ['sign', 'verify'],
        );
        const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        const input = `${encode({ alg: 'RS256', kid: 'odd' })}.${encode({ ...CLAIMS, aud: AUDIENCE })}`;
        const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, Buffer.from(input));
        const token = `${input}.${Buffer.from(signature).toString('base64url')}`;
        const { kty, n, e } = await exportJWK(publicKey);
        const jwk = { kty, n, e, kid: 'odd' } as JWK;
        await assertInvalid(`Bearer ${token}`, appWith(verifierWith([{ ...jwk, ...change }])));
        // The key is good for it, but for what is said of it.
        const { response } = await askWith(`Bearer ${token}`, appWith(verifierWith([jwk])));
        assert.equal(response.status, modulusLength === 2_048 ? 200 : 401);
      });
    }

    it('uses none that is a secret', async () => {
      const secret = Buffer.alloc(32, 'a secret');
      const token = await new SignJWT({ ...CLAIMS, aud: AUDIENCE })
        .setProtectedHeader({ alg: 'HS256', kid: 'oct' })
        .sign(secret);
      const oct = { kty: 'oct', k: secret.toString('base64url'), kid: 'oct' };
      await assertInvalid(`Bearer ${token}`, appWith(verifierWith([publicJwk, oct])));
    });

    it('does not guess where two could be meant', async () => {
      const { publicKey } = await generateKeyPair('RS256');
      const two = verifierWith([publicJwk, { ...(await exportJWK(publicKey)), alg: 'RS256' }]);
      await assertInvalid(`Bearer ${await signToken({ aud: AUDIENCE }, {})}`, appWith(two));
    });
  });
});

describe('on the wire', () => {
  /** Sends a request with these header lines to a real server, and gives all that comes back. */
  async function send(headerLines: string[]) {
    const app = strict();
    const listener = await listen('127.0.0.1', 0);
    listener.answer(app.app.fetch);
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1').setEncoding('utf8');
    let received = '';
    socket.on('data', (part: string) => (received += part));
    socket.write([`GET ${LOGS} HTTP/1.1`, 'Host: x', 'Connection: close', ...headerLines, '', ''].join('\r\n'));
    await once(socket, 'close');
    await listener.close(0);
    return { received, calls: app.calls };
  }

  it('one good token is taken', async () => {
    const { received } = await send([`Authorization: Bearer ${await signToken({ aud: AUDIENCE })}`]);
    assert.match(received, /^HTTP\/1\.1 200 /);
  });

  it('two Authorization headers are refused, whichever of them is good', async () => {
    const good = `Authorization: Bearer ${await signToken({ aud: AUDIENCE })}`;
    for (const lines of [
      [good, 'Authorization: Bearer a.b.c'],
      ['Authorization: Bearer a.b.c', good],
      [good, good],
      ['Authorization: Basic YWxpY2U6c2VjcmV0', good],
    ]) {
      const { received, calls } = await send(lines);
      assert.match(received, /^HTTP\/1\.1 401 /);
      assert.deepEqual(calls, []);
    }
  });

  it('a token that is folded over two lines is refused', async () => {
    const [header, claims, signature] = (await signToken({ aud: AUDIENCE })).split('.');
    const { received, calls } = await send([`Authorization: Bearer ${header}.`, ` ${claims}.${signature}`]);
    assert.match(received, /^HTTP\/1\.1 40[01] /);
    assert.deepEqual(calls, []);
  });

  it('a token that is too long is answered 431, though it would be good', async () => {
    const token = await signToken({ aud: AUDIENCE, padding: 'x'.repeat(20_000) });
    const { received, calls } = await send([`Authorization: Bearer ${token}`]);
    assert.match(received, /^HTTP\/1\.1 431 /);
    assert.match(received, /"code":"431"/);
    assert.deepEqual(calls, []);
    await assertAnswer((await askWith(`Bearer ${token}`, strict())).response, 200);
  });
});
