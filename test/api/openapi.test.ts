import assert from 'node:assert/strict';
import { assertMatches, openApiOf } from './documented.ts';
import { setUp } from './support.ts';

const { app } = setUp();
const document = await openApiOf(app);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
);

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 and names the public URL', () => {
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.deepEqual(document.servers, [{ url: 'https://apollo.example.com' }]);
  });

  it('has every route that the app has, and no other', () => {
    const routed = app.routes
      .filter(({ method, path }) => method !== 'ALL' && path !== '/openapi.json')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual(operations.map(({ name }) => name).sort(), [...new Set(routed)].sort());
  });

  it('has every status that the contract gives a route', () => {
    const statuses = Object.fromEntries(
      operations.map(({ name, operation }) => [name, Object.keys(operation.responses)]),
    );
    assert.deepEqual(statuses, {
      'POST /apollo/files/copy': ['200', '202', '400', '401', '403', '409', '413', '415', '423', '500', '503'],
      'POST /apollo/files/copy/{correlationId}/cancel': ['200', '401', '403', '404', '409', '500', '503'],
      'GET /apollo/status/logs': ['200', '400', '401', '403', '404', '500', '503'],
      'GET /apollo/files/track/{correlationId}': ['200', '400', '401', '403', '404', '500', '503'],
      'GET /healthz': ['200'],
      'GET /readyz': ['200', '503'],
    });
  });

  for (const { name, path, operation } of operations) {
    it(`describes every answer of ${name}, with an example that is as its schema says`, () => {
      assert.ok(operation.summary);
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        assert.ok(description, status);
        const { schema, example } = content?.['application/json'] ?? {};
        assert.ok(schema && example, status);
        assertMatches(document, schema, example, `${name} ${status}`);
      }
      const scopes = operation.security?.[0]?.bearerAuth;
      assert.equal(scopes !== undefined, path.startsWith('/apollo/'));
    });
  }

  it('has a definition for every reference, and the bearer token as security scheme', () => {
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name = '']) => name,
    );
    assert.ok(references.length > 0);
    for (const name of references) assert.ok(document.components.schemas[name], name);
    assert.equal((document.components.securitySchemes.bearerAuth as { scheme?: string } | undefined)?.scheme, 'bearer');
  });
});
