import { checksumText } from './crc32c.ts';
import type { Fields, Members } from './fields.ts';
import type { HttpAnswer } from './http-connection.ts';
import type { Refusal } from './bucket-store.ts';
import type { Page } from './listing.ts';
import type { StoredObject } from './sorted-objects.ts';

/** What the API says of things, as byte texts of JSON (cloud.google.com/storage/docs/json_api/v1/objects#resource). */

const PLAIN_TYPE = 'application/octet-stream';

export function contentTypeOf({ details }: StoredObject): string {
  return details?.contentType ?? PLAIN_TYPE;
}

/** JSON of a byte text. Its bytes from 0x80 on are UTF-8 already, and pass as they are. */
const quote = (text: string) => JSON.stringify(text);

let latestTime = { ms: -1, text: '' };

function time(ms: number): string {
  if (latestTime.ms !== ms) latestTime = { ms, text: new Date(ms).toISOString() };
  return latestTime.text;
}

/** An object and where it is. */
interface Placed {
  bucket: string;
  name: string;
  object: StoredObject;
}

const madeAt = ({ object }: Placed) => `"${time(Math.floor(object.generation / 1_000))}"`;

const OBJECT_MEMBERS: Members<Placed> = {
  kind: () => '"storage#object"',
  id: ({ bucket, name, object }) => quote(`${bucket}/${name}/${object.generation}`),
  name: ({ name }) => quote(name),
  bucket: ({ bucket }) => `"${bucket}"`,
  generation: ({ object }) => `"${object.generation}"`,
  metageneration: () => '"1"',
  contentType: ({ object }) => quote(contentTypeOf(object)),
  storageClass: () => '"STANDARD"',
  size: ({ object }) => `"${object.size}"`,
  crc32c: ({ object }) => `"${checksumText(object.crc32c)}"`,
  etag: ({ object }) => `"${object.generation}"`,
  timeCreated: madeAt,
  updated: madeAt,
  metadata: ({ object }) => object.details?.metadata,
};

const REWRITE_MEMBERS: Members<Placed> = {
  kind: () => '"storage#rewriteResponse"',
  totalBytesRewritten: ({ object }) => `"${object.size}"`,
  objectSize: ({ object }) => `"${object.size}"`,
  done: () => 'true',
  resource: (placed, fields) => fields.json(OBJECT_MEMBERS, placed),
};

const PAGE_MEMBERS: Members<{ bucket: string; page: Page }> = {
  kind: () => '"storage#objects"',
  nextPageToken: ({ page: { nextPageToken } }) => nextPageToken && `"${nextPageToken}"`,
  prefixes: ({ page: { prefixes } }) => (prefixes.length === 0 ? undefined : `[${prefixes.map(quote).join(',')}]`),
  items: ({ bucket, page: { items } }, fields) =>
    `[${items.map(([name, object]) => fields.json(OBJECT_MEMBERS, { bucket, name, object })).join(',\n')}]`,
};

export function objectJson(bucket: string, name: string, object: StoredObject, fields: Fields): string {
  return fields.json(OBJECT_MEMBERS, { bucket, name, object });
}

export function rewriteJson(bucket: string, name: string, object: StoredObject, fields: Fields): string {
  return fields.json(REWRITE_MEMBERS, { bucket, name, object });
}

export function pageJson(bucket: string, page: Page, fields: Fields): string {
  return fields.json(PAGE_MEMBERS, { bucket, page });
}

export function bucketJson(name: string): string {
  return `{"kind":"storage#bucket","id":"${name}","name":"${name}","location":"US","storageClass":"STANDARD","metageneration":"1"}`;
}

/** The answer that a refusal becomes. */
export function refusalAnswer({ status, reason, message }: Refusal): HttpAnswer {
  const error = { code: status, message, errors: [{ domain: 'global', reason, message }] };
  return { status, body: status === 304 ? '' : JSON.stringify({ error }) };
}
