import assert from 'node:assert/strict';
import { setUp } from '../support.ts';

describe('GET /', () => {
  it('is a page without a script or a style of its own, and with a policy that would let none run', async () => {
    const { request } = setUp();
    const response = await request('/');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
    assert.doesNotMatch(await response.text(), /<style| style=| on\w+=|https?:|<script[^>]*>[^<]/);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
    for (const part of [/base-uri 'none'/, /form-action 'none'/, /frame-ancestors 'none'/, /trusted-types 'none'/]) {
      assert.match(policy, part);
    }
    assert.doesNotMatch(policy, /unsafe/);
  });

  it('gets all that it loads from this service, and asks whether it is still the same', async () => {
    const { request } = setUp();
    const page = await (await request('/')).text();
    const loaded = new Set([...page.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, path = '']) => path));
    assert.ok(loaded.has('page/style.css') && loaded.has('page/main.js') && loaded.size > 5);
    for (const path of loaded) {
      const response = await request(`/${path}`);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get('content-type') ?? '', path.endsWith('.css') ? /^text\/css/ : /javascript/);
      assert.equal(response.headers.get('cache-control'), 'no-cache');
      const tag = response.headers.get('etag') ?? '';
      assert.equal((await request(`/${path}`, { headers: { 'if-none-match': tag } })).status, 304);
    }
    assert.equal((await request('/page/tsconfig.json')).status, 404);
    assert.equal((await request('/page/..%2Fassets.ts')).status, 404);
  });

  it('makes markup of no text: nothing in its scripts could', async () => {
    const { request } = setUp();
    const page = await (await request('/')).text();
    for (const [, path = ''] of page.matchAll(/href="(page\/[^"]+\.js)"/g)) {
      const script = await (await request(`/${path}`)).text();
      assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/, path);
    }
  });

  it("links to Temporal's Web UI where there is one", async () => {
    const ui = 'https://temporal.example.com/namespaces/a%20b/workflows';
    const withUi = await (await setUp({ temporalUiUrl: ui }).request('/')).text();
    assert.ok(withUi.includes(`data-temporal-ui="${ui}"`));
    assert.ok((await (await setUp().request('/')).text()).includes('data-temporal-ui=""'));
  });
});
