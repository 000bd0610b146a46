import { checksumText } from './crc32c.ts';
import { Fields } from './fields.ts';
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

type MemberWriter = (bucket: string, name: string, object: StoredObject) => string;

const madeAt: MemberWriter = (_bucket, _name, { generation }) => `"${time(Math.floor(generation / 1_000))}"`;

/** The members of an object's resource; an empty text: it has none of that name. */
const OBJECT_MEMBERS: Readonly<Record<string, MemberWriter>> = {
  kind: () => '"storage#object"',
  id: (bucket, name, { generation }) => quote(`${bucket}/${name}/${generation}`),
  name: (_bucket, name) => quote(name),
  bucket: (bucket) => `"${bucket}"`,
  generation: (_bucket, _name, { generation }) => `"${generation}"`,
  metageneration: () => '"1"',
  contentType: (_bucket, _name, object) => quote(contentTypeOf(object)),
  storageClass: () => '"STANDARD"',
  size: (_bucket, _name, { size }) => `"${size}"`,
  crc32c: (_bucket, _name, { crc32c }) => `"${checksumText(crc32c)}"`,
  etag: (_bucket, _name, { generation }) => `"${generation}"`,
  timeCreated: madeAt,
  updated: madeAt,
  metadata: (_bucket, _name, { details }) => details?.metadata ?? '',
};

/** The same with their names. */
const NAMED_MEMBERS = Object.fromEntries(
  Object.entries(OBJECT_MEMBERS).map(([key, write]): [string, MemberWriter] => [
    key,
    (bucket, name, object) => {
      const value = write(bucket, name, object);
      return value === '' ? '' : `"${key}":${value}`;
    },
  ]),
);

export function objectJson(bucket: string, name: string, object: StoredObject, fields = Fields.ALL): string {
  let members = '';
  for (const write of fields.choose(NAMED_MEMBERS)) {
    const member = write(bucket, name, object);
    if (member !== '') members += members === '' ? member : `,${member}`;
  }
  return `{${members}}`;
}

export function rewriteJson(bucket: string, name: string, object: StoredObject, fields = Fields.ALL): string {
  const size = `"${object.size}"`;
  const resource = fields.member('resource');
  return membersJson(fields, {
    kind: '"storage#rewriteResponse"',
    totalBytesRewritten: size,
    objectSize: size,
    done: 'true',
    resource: resource && objectJson(bucket, name, object, resource),
  });
}

export function pageJson(bucket: string, { items, prefixes, nextPageToken }: Page, fields = Fields.ALL): string {
  const wanted = fields.member('items');
  return membersJson(fields, {
    kind: '"storage#objects"',
    nextPageToken: nextPageToken && `"${nextPageToken}"`,
    prefixes: prefixes.length === 0 ? undefined : `[${prefixes.map(quote).join(',')}]`,
    items: wanted && `[${items.map(([name, object]) => objectJson(bucket, name, object, wanted)).join(',\n')}]`,
  });
}

/** Those of these members that are wanted, and are there. */
function membersJson(fields: Fields, members: Readonly<Record<string, string | undefined>>): string {
  let json = '';
  for (const name in members) {
    const value = members[name];
    if (value === undefined || fields.member(name) === undefined) continue;
    json += `${json === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${json}}`;
}

export function bucketJson(name: string): string {
  return `{"kind":"storage#bucket","id":"${name}","name":"${name}","location":"US","storageClass":"STANDARD","metageneration":"1"}`;
}

/** The answer that a refusal becomes. */
export function refusalAnswer({ status, reason, message }: Refusal): HttpAnswer {
  const error = { code: status, message, errors: [{ domain: 'global', reason, message }] };
  return { status, body: status === 304 ? '' : JSON.stringify({ error }) };
}
