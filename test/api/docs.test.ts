import assert from 'node:assert/strict';
import { setUp } from './support.ts';

describe('GET /docs', () => {
  it('is where /docs/ leads', async () => {
    const response = await setUp().request('/docs/');
    assert.equal(response.status, 308);
    assert.equal(response.headers.get('location'), '../docs');
  });

  it('is a page of its own: no script or style in it, and none from elsewhere', async () => {
    const { request } = setUp();
    const response = await request('/docs');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
    const page = await response.text();
    assert.doesNotMatch(page, /<style|style=| on\w+=|https?:|<script[^>]*>[^<]/);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /connect-src 'self' https:\/\/apollo\.example\.com;/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(response.headers.get('cache-control'), 'no-store');
  });

  it('gets all that it loads from this service, with types and leave to keep it', async () => {
    const { request } = setUp();
    const page = await (await request('/docs')).text();
    const loaded = [...page.matchAll(/(?:href|src)="(docs\/[^"]+)"/g)].map(([, path = '']) => path);
    assert.deepEqual(loaded, ['docs/swagger-ui.css', 'docs/swagger-ui-bundle.js', 'docs/start.js']);
    for (const path of loaded) {
      const response = await request(`/${path}`);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get('content-type') ?? '', path.endsWith('.css') ? /^text\/css/ : /javascript/);
      assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=\d+$/);
      assert.ok((await response.text()).length > 50);
    }
    assert.equal((await request('/docs/package.json')).status, 404);
    assert.equal((await request('/docs/..%2Fpackage.json')).status, 404);
  });
});
