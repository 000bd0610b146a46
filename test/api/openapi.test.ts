import assert from 'node:assert/strict';
import { REASONS } from '../../contract/reasons.ts';
import { assertMatches, openApiOf } from './documented.ts';
import { assertMistakes, copyBody, ID, setUp, token } from './support.ts';

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
      .filter(({ method, path }) => method !== 'ALL' && !/^\/(?:docs|page)\//.test(path))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual(operations.map(({ name }) => name).sort(), [...new Set(routed)].sort());
  });

  it('has every status that a route may answer with', () => {
    const statuses = Object.fromEntries(
      operations.map(({ name, operation }) => [name, Object.keys(operation.responses)]),
    );
    assert.deepEqual(statuses, {
      'POST /apollo/files/copy': [
        '200',
        '202',
        '400',
        '401',
        '403',
        '408',
        '409',
        '413',
        '415',
        '423',
        '429',
        '500',
        '503',
      ],
      ...Object.fromEntries(
        ['cancel', 'pause', 'resume'].map((action) => [
          `POST /apollo/files/copy/{correlationId}/${action}`,
          ['200', '400', '401', '403', '404', '409', '429', '500', '503'],
        ]),
      ),
      'POST /apollo/files/copy/{correlationId}/retry': [
        ...['200', '202', '400', '401', '403', '404', '409', '423', '429', '500', '503'],
      ],
      'GET /apollo/files/copy': ['200', '400', '401', '403', '429', '500', '503'],
      'GET /apollo/files/copy/{correlationId}/report': ['200', '400', '401', '403', '404', '429', '500', '503'],
      'GET /apollo/collections': ['200', '400', '401', '403', '429', '500', '503'],
      'GET /apollo/status/logs': ['200', '400', '401', '403', '404', '429', '500', '503'],
      'GET /apollo/files/track/{correlationId}': ['200', '400', '401', '403', '404', '429', '500', '503'],
      'GET /apollo/status/events': ['200', '204', '400', '401', '403', '404', '429', '500', '503'],
      'GET /': ['200'],
      'GET /docs': ['200'],
      'GET /openapi.json': ['200'],
      'GET /healthz': ['200'],
      'GET /metrics': ['200'],
      'GET /readyz': ['200', '503'],
    });
  });

  for (const { name, path, operation } of operations.filter(({ path }) => path.startsWith('/apollo/'))) {
    it(`has all the parameters of ${name}: another one is refused, and told which there are`, async () => {
      const { request, calls } = setUp();
      const there = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'query')
        .map((each) => each.name);
      const query = there.includes('correlationId') ? `correlationId=${ID}&stat=Failed` : 'stat=Failed';
      const response = await request(`${path.replace('{correlationId}', ID)}?${query}`, {
        method: name.split(' ')[0] ?? '',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(name === 'POST /apollo/files/copy' && { body: JSON.stringify(copyBody(1)) }),
      });
      const known = there.length === 0 ? 'none' : there.join(', ');
      await assertMistakes(response, [`stat: is not a parameter here; there is ${known}`], 'The request is not valid');
      assert.deepEqual(calls, []);
    });
  }

  for (const { name, path, operation } of operations) {
    it(`describes every answer of ${name}, with an example that is as its schema says`, () => {
      assert.ok(operation.summary);
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        assert.ok(description, status);
        for (const { schema, example, examples = {} } of Object.values(content ?? {})) {
          const values = example === undefined ? Object.values(examples).map(({ value }) => value) : [example];
          assert.ok(values.length > 0, `${status} has no example`);
          for (const value of values) assertMatches(document, schema, value, `${name} ${status}`);
        }
      }
      const scopes = operation.security?.[0]?.bearerAuth;
      assert.equal(scopes !== undefined, path.startsWith('/apollo/'));
    });
  }

  it('names every operation once, and gives it a tag that it explains', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.ok(ids.every((id) => id !== undefined));
    assert.equal(new Set(ids).size, ids.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const { name, operation } of operations) {
      assert.equal(operation.tags?.length, 1, name);
      assert.ok(tags.has(operation.tags[0]!), name);
    }
  });

  it('publishes the codes of all reasons, with what they mean', () => {
    const schema = document.components.schemas.ReasonCode as { enum: string[]; description: string };
    assert.deepEqual(schema.enum, Object.keys(REASONS));
    for (const { meaning } of Object.values(REASONS)) assert.ok(schema.description.includes(meaning));
  });

  it('has the answer to a method that a route does not have, as it is', async () => {
    const { schema } = document.components.responses.MethodNotAllowed?.content?.['application/json'] ?? {};
    const response = await app.request('/healthz', { method: 'DELETE' });
    assert.equal(response.status, 405);
    assertMatches(document, schema!, await response.json(), 'DELETE /healthz');
  });

  it('has a definition for every reference, and the bearer token as security scheme', () => {
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name = '']) => name,
    );
    assert.ok(references.length > 0);
    for (const name of references) assert.ok(document.components.schemas[name], name);
    assert.equal((document.components.securitySchemes.bearerAuth as { scheme?: string } | undefined)?.scheme, 'bearer');
  });
});
