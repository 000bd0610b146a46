import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ApiApp } from '../../api/context.ts';

interface Operation {
  summary?: string;
  operationId?: string;
  tags?: string[];
  parameters?: { name: string; in: string; example?: unknown; schema: object }[];
  security?: Record<string, string[]>[];
  responses: Record<string, DocumentedAnswer>;
}

interface DocumentedAnswer {
  description: string;
  content?: Record<string, { schema: object; example?: unknown; examples?: Record<string, { value: unknown }> }>;
}

export interface OpenApi {
  openapi: string;
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, object>;
    responses: Record<string, DocumentedAnswer>;
    securitySchemes: Record<string, object>;
  };
}

/** The app's own document. */
export async function openApiOf(app: ApiApp): Promise<OpenApi> {
  return (await (await app.request('/openapi.json')).json()) as OpenApi;
}

/** Asserts that a value is what a schema of the document says. */
export function assertMatches({ components }: OpenApi, schema: object, value: unknown, what: string): void {
  const text = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll('#/components/schemas/', '#/$defs/');
  const result = z.fromJSONSchema(JSON.parse(text) as z.core.JSONSchema.JSONSchema).safeParse(value);
  assert.ok(result.success, `${what} is not as documented: ${result.error?.message ?? ''}\n${JSON.stringify(value)}`);
}

/** The operation that a request is for; undefined where the document has none. */
function operationOf({ paths }: OpenApi, method: string, path: string): Operation | undefined {
  const [pathname = ''] = path.split('?');
  const match = Object.keys(paths).find((template) =>
    new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  return match === undefined ? undefined : paths[match]?.[method.toLowerCase()];
}

/** Asserts that an answer's status and body are in the document, where the document has the route. */
export async function assertDocumented(
  document: OpenApi,
  method: string,
  path: string,
  response: Response,
): Promise<void> {
  const operation = operationOf(document, method, path);
  if (operation === undefined) return;
  const answer = operation.responses[response.status];
  assert.ok(answer, `${method} ${path}: ${response.status} is not documented`);
  const schema = answer.content?.['application/json']?.schema;
  if (schema !== undefined) assertMatches(document, schema, await response.clone().json(), `${method} ${path}`);
}
