import type { ApiApp, ApiDeps } from '../context.ts';

const DESCRIPTION =
  'Copies files between collections in Google Cloud Storage, durably: a job that was accepted runs to its end whatever ' +
  'is restarted meanwhile. Every JSON answer under /apollo/ is an envelope of `status` and `data`.';

/** /openapi.json, from the schemas that validate. Has to come after the routes it describes. */
export function openApiDocument(app: ApiApp, { publicUrl }: ApiDeps): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An IMS access token. The roles an operation lists are the scopes that the token needs.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Apollo file copy',
      version: '0.1.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: publicUrl }],
  });
  app.get('/openapi.json', (c) => c.json(document));
}
