import assert from 'node:assert/strict';
import type { Admission } from '../../contract/messages.ts';
import { LIMITS } from '../../api/limits.ts';
import { JobEndedError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import { listen, type Listener } from '../../api/server.ts';
import { copyBody, file, ID, JOB, page, setUp, signToken, token } from './support.ts';
import { bytesOf, exchange } from './wire.ts';

const LOGS = `/apollo/status/logs?correlationId=${ID}`;
const COPY = '/apollo/files/copy';
const AS_ALICE = { authorization: `Bearer ${token}` };
const JSON_BODY = { ...AS_ALICE, 'content-type': 'application/json' };
const BODY = JSON.stringify(copyBody(1));
const COPYING = bytesOf('POST', COPY, JSON_BODY, BODY);

type Setup = Parameters<typeof setUp>[0];

/** Sends bytes to an app on a real socket; gives the answer, the calls that it led to and the log. */
async function ask(bytes: string, setup: Setup = {}) {
  const { app, calls, lines } = setUp(setup);
  const listener: Listener = await listen('127.0.0.1', 0);
  listener.answer(app.fetch);
  try {
    return { ...(await exchange(listener, bytes)), calls, lines };
  } finally {
    await listener.close(0);
  }
}

const withJobs = (jobs: NonNullable<NonNullable<Setup>['jobs']>): Setup => ({ jobs });
const none = { total: 0, perCaller: 1 };
const refused = (admission: Admission) =>
  withJobs({ copy: () => Promise.resolve({ kind: 'decided', requested: 1, admission }) });

/** Each kind of answer there is, and what is sent to get it. */
const ANSWERS: [what: string, status: number, bytes: string, setup?: Setup][] = [
  ['a page of records', 200, bytesOf('GET', LOGS, AS_ALICE)],
  ['an accepted job', 200, COPYING],
  ['an undecided job', 202, COPYING, withJobs({ copy: () => Promise.resolve({ kind: 'undecided', requested: 1 }) })],
  ['a report in CSV', 200, bytesOf('GET', `${COPY}/${ID}/report?format=csv`, AS_ALICE)],
  ['a report in NDJSON', 200, bytesOf('GET', `${COPY}/${ID}/report`, AS_ALICE)],
  ['a HEAD', 200, bytesOf('HEAD', LOGS, AS_ALICE)],
  ['the methods of a route', 204, bytesOf('OPTIONS', COPY, AS_ALICE)],
  ['a probe', 200, bytesOf('GET', '/healthz')],
  ['a probe that fails', 503, bytesOf('GET', '/readyz'), { readiness: brokenReadiness() }],
  ['the document', 200, bytesOf('GET', '/openapi.json')],
  ['the page of the document', 200, bytesOf('GET', '/docs')],
  ['what that page loads', 200, bytesOf('GET', '/docs/start.js')],
  ['no token', 401, bytesOf('GET', LOGS)],
  ['a mistake', 400, bytesOf('POST', COPY, JSON_BODY, '{}')],
  ['no access', 403, COPYING, refused({ decision: 'forbidden', message: 'no access' })],
  ['no route', 404, bytesOf('GET', '/nowhere')],
  ['no method', 405, bytesOf('DELETE', COPY, AS_ALICE)],
  ['an ended job', 409, bytesOf('POST', `${COPY}/${ID}/cancel`, AS_ALICE), withJobs({ control: ended })],
  ['too long a body', 413, bytesOf('POST', COPY, { ...JSON_BODY, 'content-length': '99999999' })],
  ['no JSON', 415, bytesOf('POST', COPY, AS_ALICE, BODY)],
  ['a locked file', 423, COPYING, refused({ decision: 'locked', files: [{ collectionId: 'c', fileName: 'f' }] })],
  [
    'too much for one caller',
    429,
    bytesOf('GET', LOGS, AS_ALICE),
    { limits: { ...LIMITS, requests: { total: 1, perCaller: 0 } } },
  ],
  ['too much for all', 503, bytesOf('GET', LOGS, AS_ALICE), { limits: { ...LIMITS, requests: none } }],
  ['an outage', 503, bytesOf('GET', LOGS, AS_ALICE), withJobs({ page: unavailable })],
  ['a defect', 500, bytesOf('GET', LOGS, AS_ALICE), withJobs({ page: () => Promise.reject(new Error('a defect')) })],
  [
    'a slow body',
    408,
    bytesOf('POST', COPY, { ...JSON_BODY, 'content-length': '99' }, '{'),
    { limits: { ...LIMITS, bodyIdleMs: 20 } },
  ],
  ['a Host that is none', 400, bytesOf('GET', LOGS, { host: 'a b/c' })],
  ['no HTTP', 400, 'nonsense\r\n\r\n'],
  ['headers that are too long', 431, bytesOf('GET', LOGS, { x: 'x'.repeat(100_000) })],
  ['two lengths', 400, bytesOf('POST', COPY, { ...JSON_BODY, 'content-length': '1, 2' }, BODY)],
];

function brokenReadiness() {
  return { temporal: () => Promise.reject(new Error('down')), storage: () => Promise.resolve() };
}

function ended(): Promise<never> {
  return Promise.reject(new JobEndedError({ ...JOB, state: 'Completed' }));
}

function unavailable(): Promise<never> {
  return Promise.reject(new ServiceUnavailableError('temporal', new Error('down')));
}

describe('the security headers', () => {
  for (const [what, status, bytes, setup] of ANSWERS) {
    it(`are on ${what} (${status})`, async () => {
      const { headers, ...answer } = await ask(bytes, setup);
      assert.equal(answer.status, status, answer.text);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none';.* ?frame-ancestors 'none'$/);
      assert.match(headers.get('cache-control') ?? '', what === 'what that page loads' ? /^public/ : /^no-store$/);
      for (const name of ['server', 'x-powered-by', 'access-control-allow-origin'])
        assert.equal(headers.has(name), false);
    });
  }
});

describe('Host and forwarded headers', () => {
  const EVIL = {
    host: 'evil.example',
    forwarded: 'for=evil.example;host=evil.example;proto=gopher',
    'x-forwarded-for': 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    'x-forwarded-port': '66666',
    'x-forwarded-prefix': '/evil',
    'x-original-url': '/evil',
    'x-rewrite-url': '/evil',
    'x-http-method-override': 'DELETE',
  };
  const withEvil = (bytes: string) =>
    bytes.replace(
      'host: apollo',
      Object.entries(EVIL)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\r\n'),
    );

  for (const [what, status, bytes, setup] of ANSWERS.filter(([, , sent]) => sent.includes('host: apollo'))) {
    it(`change nothing in ${what}`, async () => {
      const answer = await ask(withEvil(bytes), setup);
      assert.equal(answer.status, status);
      // Letters that no id in hexadecimal digits has, and a port behind its colon.
      assert.doesNotMatch(answer.text, /evil|gopher|:66666/);
    });
  }

  it('change nothing where the target itself names another host', async () => {
    const answer = await ask(bytesOf('GET', `http://evil.example${LOGS}`, AS_ALICE));
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, /evil/);
  });
});

describe('a path that is written otherwise', () => {
  const PATHS = [
    ...['/%61pollo/collections', '/%2e/apollo/collections', '/./apollo/collections', '/x/../apollo/collections'],
    ...['//apollo/collections', '/apollo//collections', '/apollo/collections/', '/APOLLO/collections'],
    ...['/apollo%2fcollections', '/apollo%252fcollections', '/apollo\\collections', '/apollo/collections%00'],
    ...['/apollo;a=b/collections', '/apollo/collections;a=b', '/apollo/collections%0d%0aset-cookie:%20a=b'],
    ...['/healthz/../apollo/collections', '/docs/%2e%2e/apollo/collections', '/docs/..;/apollo/collections'],
    ...['http://apollo/apollo/collections', '/apollo/collections#healthz', '/%ff%fe/apollo/collections'],
  ];
  for (const path of PATHS) {
    it(`opens nothing without a token: ${path}`, async () => {
      let listed = 0;
      const collections = () => {
        listed += 1;
        return Promise.resolve([]);
      };
      const { status, headers, text } = await ask(bytesOf('GET', path), { collections });
      assert.ok([400, 401, 404].includes(status), text);
      assert.equal(listed, 0);
      assert.equal(headers.has('set-cookie'), false);
    });
  }
});

describe('what a caller writes', () => {
  const MARKUP = '<script>alert(1)</script><img src=x onerror=alert(1)>';

  it('is data wherever it is answered: never a page, never sniffed', async () => {
    const setup = withJobs({
      page: () => Promise.resolve(page([file(0, { fileName: MARKUP, destinationFileName: MARKUP, message: MARKUP })])),
    });
    for (const path of [LOGS, `/apollo/files/track/${ID}`, `${COPY}/${ID}/report`, `${COPY}/${ID}/report?format=csv`]) {
      const { status, headers, text } = await ask(bytesOf('GET', path, AS_ALICE), setup);
      assert.equal(status, 200);
      assert.ok(text.includes('<script>'), 'to the letter');
      assert.match(headers.get('content-type') ?? '', /^(?:application\/json|application\/x-ndjson|text\/csv)/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      if (path.includes('report')) assert.match(headers.get('content-disposition') ?? '', /^attachment; /);
    }
  });

  it('is not in the page of the document, nor in a mistake that is not JSON', async () => {
    const { text } = await ask(bytesOf('GET', `/docs?url=${encodeURIComponent(MARKUP)}&configUrl=//evil.example`));
    assert.doesNotMatch(text, /alert|evil/);
    const mistake = await ask(bytesOf('POST', COPY, JSON_BODY, JSON.stringify({ [MARKUP]: 1 })));
    assert.equal(mistake.status, 400);
    assert.match(mistake.headers.get('content-type') ?? '', /^application\/json/);
  });

  it('makes no header of its own: a bad correlation id is not echoed, a bad name of a job neither', async () => {
    const injected = encodeURIComponent('x\r\nset-cookie: a=b');
    for (const bytes of [
      bytesOf('GET', `/apollo/files/track/${injected}`, AS_ALICE),
      bytesOf('GET', `/apollo/status/logs?correlationId=${injected}`, AS_ALICE),
      bytesOf('GET', `${COPY}/${injected}/report`, AS_ALICE),
      bytesOf('POST', COPY, { ...JSON_BODY, 'x-correlation-id': '"x%0d%0aset-cookie: a=b"' }, BODY),
    ]) {
      const { headers, status } = await ask(bytes);
      assert.ok([400, 404].includes(status));
      assert.equal(headers.has('set-cookie'), false);
      assert.equal(headers.has('x-correlation-id'), false);
    }
    const split = await ask(bytesOf('GET', LOGS, { ...AS_ALICE, 'x-correlation-id': `${ID}\r\n bad: folded` }));
    assert.equal(split.status, 400, 'a folded header is no header');
  });

  it('stays one line of the log, in its own field', async () => {
    const forged = '{"level":60,"msg":"forged"}';
    const log = async (bytes: string) => (await ask(bytes)).lines;
    for (const lines of [
      await log(bytesOf('GET', `/apollo/files/track/${encodeURIComponent(`\n${forged}\n\u001b[2J`)}`, AS_ALICE)),
      await log(bytesOf('GET', LOGS, { ...AS_ALICE, ercollectionid: forged, 'user-agent': forged })),
      await log(bytesOf('GET', LOGS, { authorization: `Bearer ${await signToken({ sub: `alice ${forged}` })}` })),
    ]) {
      assert.ok(lines.length >= 1);
      for (const { msg, level } of lines) assert.ok(msg !== 'forged' && level === 30);
    }
  });

  it('is not in the log where it is a token, wherever it was put', async () => {
    const secret = await signToken({ sub: 'mallory' });
    const parts = secret.split('.').slice(1);
    for (const bytes of [
      bytesOf('GET', `/apollo/files/track/${secret}`, AS_ALICE),
      bytesOf('GET', `/${secret}`),
      bytesOf('GET', `/t=${secret};${secret}/-${secret}`),
      bytesOf('GET', `${LOGS}&access_token=${secret}&continuationToken=${secret}`, AS_ALICE),
      bytesOf('GET', LOGS, {
        ...AS_ALICE,
        cookie: secret,
        'x-correlation-id': secret,
        referer: `http://x/?t=${secret}`,
      }),
      bytesOf('GET', LOGS, { authorization: `Bearer ${secret}x` }),
      bytesOf('GET', LOGS, { authorization: `Basic ${secret}` }),
      bytesOf('POST', `${COPY}/${secret}/cancel`, AS_ALICE),
    ]) {
      const { lines, text } = await ask(bytes);
      for (const part of parts) {
        assert.ok(!JSON.stringify(lines).includes(part), `in the log of ${bytes.slice(0, 40)}`);
        assert.ok(!text.includes(part), `in the answer to ${bytes.slice(0, 40)}`);
      }
    }
  });

  it('costs no more as a path that begins a token at every letter than as any other', async () => {
    const { request } = setUp();
    // Where each beginning was followed to the end of the path, a hundred of them would take ten seconds and more.
    for (let round = 0; round < 100; round += 1) {
      assert.equal((await request(`/${'eyJ'.repeat(5_000)}`)).status, 404);
    }
  }).timeout(5_000);

  it('pollutes nothing as a query or as headers', async () => {
    const query = '__proto__[polluted]=1&__proto__.polluted=1&constructor[prototype][polluted]=1&__proto__=1';
    const headers = { ...AS_ALICE, __proto__x: '1', constructor: '1', ercollectionid: '__proto__' };
    assert.equal((await ask(bytesOf('GET', LOGS, headers))).status, 200);
    assert.equal((await ask(bytesOf('GET', `${LOGS}&${query}`, headers))).status, 400);
    assert.equal('polluted' in {}, false);
  });
});

describe('requests that two readers could tell apart differently', () => {
  const SMUGGLED = bytesOf('GET', '/apollo/collections');
  const HEAD = bytesOf('POST', COPY, JSON_BODY).replace('\r\n\r\n', '');
  for (const [what, bytes] of [
    ['a length and chunks', `${HEAD}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['two lengths', `${HEAD}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}${SMUGGLED}`],
    [
      'chunks that are not the last coding',
      `${HEAD}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['a length with a sign', `${HEAD}\r\nContent-Length: +4\r\n\r\n{}{}${SMUGGLED}`],
    ['a space before the colon', `${HEAD}\r\nContent-Length : 4\r\n\r\n{}{}${SMUGGLED}`],
    ['lines that end in a bare line feed', `POST ${COPY} HTTP/1.1\nHost: x\nContent-Length: 4\n\n{}{}${SMUGGLED}`],
  ] as const) {
    it(`are answered 400, once, and the connection is closed: ${what}`, async () => {
      const { status, text, calls } = await ask(bytes);
      assert.equal(status, 400, text);
      assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1);
      assert.deepEqual(calls, []);
    });
  }
});
