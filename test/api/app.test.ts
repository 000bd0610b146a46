import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assertAnswer, copyBody, ID, OTHER_ID, setUp, token } from './support.ts';

const LOGS = `/apollo/status/logs?correlationId=${ID}`;

describe('the app', () => {
  it('waits for nothing while its modules are loaded', () => {
    // Modules that do cannot be required (ERR_REQUIRE_ASYNC_MODULE).
    const load = createRequire(import.meta.url);
    for (const name of ['app', 'backend', 'server']) load(`../../api/${name}.ts`);
  });
});

describe('every answer', () => {
  it('carries security headers, and is kept by no cache', async () => {
    const { get, copy, request } = setUp();
    const answers = [
      await get(LOGS),
      await copy({}),
      await request(LOGS),
      await get('/apollo/none'),
      await request('/healthz'),
      await request('/openapi.json'),
    ];
    for (const { headers } of answers) {
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
      assert.equal(headers.get('x-powered-by'), null);
    }
  });

  it('carries the x-correlation-id of the request as soon as it is one, whatever the answer is', async () => {
    const { request, post } = setUp();
    const given = { 'x-correlation-id': ID.toUpperCase() };
    for (const response of [
      await request(LOGS, { headers: { 'x-correlation-id': ID } }),
      await post('/apollo/files/copy', '{}', given),
      await post('/apollo/files/copy', '{}', { ...given, 'content-type': 'text/plain' }),
    ]) {
      assert.ok(response.status >= 400);
      assert.equal(response.headers.get('x-correlation-id'), ID);
    }
  });

  it('carries the id of the job it is about, not that of the request', async () => {
    const response = await setUp().get(LOGS, { 'x-correlation-id': OTHER_ID });
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });

  it('never depends on Host or forwarded headers', async () => {
    const { copy } = setUp();
    const response = await copy(copyBody(), {
      host: 'evil.example',
      forwarded: 'host=evil.example;proto=gopher',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      'x-forwarded-prefix': '/evil',
      'x-original-url': '/evil',
    });
    assert.equal(response.status, 200);
    assert.doesNotMatch((await response.text()) + JSON.stringify([...response.headers]), /evil|gopher/);
  });
});

describe('routing', () => {
  it('answers an unknown route under /apollo/ in the envelope, to nobody without a token', async () => {
    const { get, request } = setUp();
    assert.equal(await assertAnswer(await get('/apollo/none'), 404, 'There is no such route'), null);
    await assertAnswer(await request('/apollo/none'), 401);
    await assertAnswer(await request('/none'), 404);
  });

  it('answers 405 with Allow where the route has other methods', async () => {
    const { request } = setUp();
    const headers = { authorization: `Bearer ${token}` };
    for (const [method, path, allow] of [
      ['DELETE', '/apollo/files/copy', 'POST, GET, HEAD'],
      ['POST', LOGS, 'GET, HEAD'],
      ['PUT', `/apollo/files/track/${ID}`, 'GET, HEAD'],
      ['GET', `/apollo/files/copy/${ID}/cancel`, 'POST'],
      ['POST', '/healthz', 'GET, HEAD'],
    ] as const) {
      const response = await request(path, { method, headers });
      assert.equal(await assertAnswer(response, 405), null);
      assert.equal(response.headers.get('allow'), allow);
    }
  });

  it('tells an OPTIONS request the methods, and allows no other origin', async () => {
    const response = await setUp().request('/apollo/files/copy', {
      method: 'OPTIONS',
      headers: { authorization: `Bearer ${token}`, origin: 'https://evil.example' },
    });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('allow'), 'POST, GET, HEAD');
    assert.equal(response.headers.get('access-control-allow-origin'), null);
  });

  it('answers HEAD as GET, without the body', async () => {
    const { app } = setUp();
    const response = await app.request(LOGS, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '');
    assert.equal(response.headers.get('x-correlation-id'), ID);
  });
});

describe('the log', () => {
  it('has one line for a request: method, path, status, time, correlation id and caller, never the token', async () => {
    const { get, lines } = setUp();
    await get(`${LOGS}&limit=5`);
    assert.equal(lines.length, 1);
    const [line] = lines;
    assert.equal(typeof line?.ms, 'number');
    assert.deepEqual(
      [line?.msg, line?.method, line?.path, line?.status, line?.correlationId, line?.caller],
      ['request', 'GET', '/apollo/status/logs', 200, ID, 'alice'],
    );
    assert.ok(!JSON.stringify(lines).includes(token.slice(-20)));
  });

  it('is written once the answer is on its way, for which nobody waits', async () => {
    const { app, lines } = setUp();
    await app.request(LOGS, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(lines.length, 0);
    await nextTurn();
    assert.equal(lines.length, 1);
  });

  it('keeps a path with line feeds in one field of one line', async () => {
    const { request, lines } = setUp();
    await request('/apollo/x%0A%7B%22level%22:60%7D%1b[2J');
    const requests = lines.filter(({ msg }) => msg === 'request');
    assert.equal(requests.length, 1);
    assert.equal(requests[0]?.level, 30);
    assert.match(String(requests[0].path), /^\/apollo\/x/);
  });

  it('writes probes at debug level only, unless they fail', async () => {
    const { request, lines } = setUp({
      readiness: { temporal: () => Promise.reject(new Error('down')), storage: () => Promise.resolve() },
    });
    await request('/healthz');
    await request('/readyz');
    const levels = lines.filter(({ msg }) => msg === 'request').map(({ path, level }) => [path, level]);
    assert.deepEqual(levels, [
      ['/healthz', 20],
      ['/readyz', 30],
    ]);
  });
});
