import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { issuerKeys } from '../../api/auth/issuer-keys.ts';
import { createTokenVerifier } from '../../api/auth/verify-token.ts';
import { askWith } from './asking.ts';
import { assertAnswer, CLAIMS, ISSUER, NOW, publicJwk, setUp, signToken, token } from './support.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** An issuer with its keys on a free port, and an app that trusts it, by a clock that only the test moves. */
async function makeIssuer() {
  const state = { status: 200, keys: [publicJwk] as object[], requests: 0, hold: false, held: [] as (() => void)[] };
  const server = createServer((_request, response) => {
    state.requests += 1;
    const answer = () => {
      const { status, keys } = state;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
    };
    if (state.hold) state.held.push(answer);
    else answer();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  let clock = 0;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const app = setUp({
    authenticate: createTokenVerifier({
      issuer: ISSUER,
      audience: undefined,
      keys: issuerKeys(url, { now: () => clock }),
      now: () => NOW,
    }),
  });
  return {
    state,
    pass: (ms: number) => {
      clock += ms;
    },
    /** Asks with this token, and gives the status of the answer. */
    async ask(bearer: string) {
      const { response } = await askWith(`Bearer ${bearer}`, app);
      await assertAnswer(response, response.status);
      return response.status;
    },
    response: async (bearer: string) => (await askWith(`Bearer ${bearer}`, app)).response,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A key that the issuer has not shown yet, and a token signed with it. */
async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  return { jwk, token: await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey) };
}

describe("the issuer's keys", () => {
  let issuer: Awaited<ReturnType<typeof makeIssuer>>;

  beforeEach(async () => {
    issuer = await makeIssuer();
  });

  afterEach(() => issuer.close());

  const failures: [how: string, fail: () => void][] = [
    ['answer with an error', () => (issuer.state.status = 500)],
    ['are no keys', () => (issuer.state.keys = ['nonsense' as unknown as object])],
    ['are somewhere else', () => (issuer.state.status = 302)],
  ];

  describe('are read', () => {
    it('once, and kept', async () => {
      for (let round = 0; round < 3; round += 1) assert.equal(await issuer.ask(token), 200);
      assert.equal(issuer.state.requests, 1);
    });

    it('once for all who come at the same time', async () => {
      assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => issuer.ask(token))), Array(10).fill(200));
      assert.equal(issuer.state.requests, 1);
    });

    it('again once they are ten minutes old: one that was withdrawn is good no more', async () => {
      assert.equal(await issuer.ask(token), 200);
      issuer.state.keys = [];
      issuer.pass(10 * MINUTE - 1);
      assert.equal(await issuer.ask(token), 200);
      issuer.pass(1);
      assert.equal(await issuer.ask(token), 401);
      assert.equal(issuer.state.requests, 2);
    });
  });

  describe('that are new', () => {
    it('are taken with the first token that names them', async () => {
      const next = await newKey('key-2');
      assert.equal(await issuer.ask(token), 200);
      issuer.pass(10 * SECOND);
      issuer.state.keys = [publicJwk, next.jwk];
      assert.equal(await issuer.ask(next.token), 200);
      assert.equal(await issuer.ask(token), 200);
      assert.equal(issuer.state.requests, 2);
    });

    it('replace those that are gone', async () => {
      const next = await newKey('key-2');
      assert.equal(await issuer.ask(token), 200);
      issuer.pass(10 * SECOND);
      issuer.state.keys = [next.jwk];
      assert.equal(await issuer.ask(next.token), 200);
      assert.equal(await issuer.ask(token), 401);
    });

    it('are asked for every ten seconds at most, however many tokens name keys that are none', async () => {
      assert.equal(await issuer.ask(token), 200);
      for (let second = 0; second < 30; second += 1) {
        const unknown = await signToken({}, { kid: `no-such-key-${second}` });
        assert.deepEqual(await Promise.all([issuer.ask(unknown), issuer.ask(unknown)]), [401, 401]);
        issuer.pass(SECOND);
      }
      assert.equal(issuer.state.requests, 1 + 2, 'the first reading, then at 10 and 20 seconds');
    });
  });

  for (const [how, fail] of failures) {
    describe(`that ${how}`, () => {
      it('are 503 with Retry-After where none are known, and 200 as soon as they are back', async () => {
        fail();
        const response = await issuer.response(token);
        assert.equal(await assertAnswer(response, 503), null);
        assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
        Object.assign(issuer.state, { status: 200, keys: [publicJwk] });
        assert.equal(await issuer.ask(token), 200);
      });

      it('leave the known ones good for a day, and no longer', async () => {
        assert.equal(await issuer.ask(token), 200);
        fail();
        for (let hour = 1; hour < 24; hour += 1) {
          issuer.pass(HOUR);
          assert.equal(await issuer.ask(token), 200, `after ${hour} hours`);
        }
        issuer.pass(HOUR);
        assert.equal(await issuer.ask(token), 503);
      });

      it('are not asked for more often than every ten seconds, by known keys or unknown ones', async () => {
        assert.equal(await issuer.ask(token), 200);
        fail();
        issuer.pass(10 * MINUTE);
        const unknown = await signToken({}, { kid: 'no-such-key' });
        for (let second = 0; second < 30; second += 1) {
          assert.deepEqual([await issuer.ask(unknown), await issuer.ask(token)], [503, 200]);
          issuer.pass(SECOND);
        }
        // The last reading is not waited for by those who ask.
        while (issuer.state.requests < 1 + 3) await delay(1);
        assert.equal(issuer.state.requests, 1 + 3, 'the first reading, then at 0, 10 and 20 seconds');
      });
    });
  }

  it('that do not come are not waited for by those whose key is known, once that has shown', async () => {
    assert.equal(await issuer.ask(token), 200);
    issuer.state.status = 500;
    issuer.pass(10 * MINUTE);
    assert.equal(await issuer.ask(token), 200);
    issuer.state.hold = true;
    issuer.pass(10 * SECOND);
    assert.equal(await issuer.ask(token), 200, 'while the issuer is being asked');
    for (const answer of issuer.state.held) answer();
  });

  it('that cannot be reached at all are 503', async () => {
    const authenticate = createTokenVerifier({
      issuer: ISSUER,
      audience: undefined,
      keys: issuerKeys('http://127.0.0.1:1/keys'),
      now: () => NOW,
    });
    await assertAnswer((await askWith(`Bearer ${token}`, setUp({ authenticate }))).response, 503);
  });
});
