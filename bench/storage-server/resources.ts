import { checksumText } from './crc32c.ts';
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

export function objectJson(bucket: string, name: string, object: StoredObject): string {
  const { generation, size, crc32c, details } = object;
  const made = time(Math.floor(generation / 1_000));
  const metadata = details?.metadata === undefined ? '' : `,"metadata":${details.metadata}`;
  return (
    `{"kind":"storage#object","id":${quote(`${bucket}/${name}/${generation}`)},"name":${quote(name)},` +
    `"bucket":"${bucket}","generation":"${generation}","metageneration":"1","contentType":${quote(contentTypeOf(object))},` +
    `"storageClass":"STANDARD","size":"${size}","crc32c":"${checksumText(crc32c)}","etag":"${generation}",` +
    `"timeCreated":"${made}","updated":"${made}"${metadata}}`
  );
}

export function rewriteJson(bucket: string, name: string, object: StoredObject): string {
  const size = `"${object.size}"`;
  const resource = objectJson(bucket, name, object);
  return `{"kind":"storage#rewriteResponse","totalBytesRewritten":${size},"objectSize":${size},"done":true,"resource":${resource}}`;
}

export function pageJson(bucket: string, { items, prefixes, nextPageToken }: Page): string {
  const token = nextPageToken === undefined ? '' : `,"nextPageToken":"${nextPageToken}"`;
  const behind = prefixes.length === 0 ? '' : `,"prefixes":[${prefixes.map(quote).join(',')}]`;
  const objects = items.map(([name, object]) => objectJson(bucket, name, object)).join(',\n');
  return `{"kind":"storage#objects"${token}${behind},"items":[${objects}]}`;
}

export function bucketJson(name: string): string {
  return `{"kind":"storage#bucket","id":"${name}","name":"${name}","location":"US","storageClass":"STANDARD","metageneration":"1"}`;
}

/** The answer that a refusal becomes. */
export function refusalAnswer({ status, reason, message }: Refusal): HttpAnswer {
  const error = { code: status, message, errors: [{ domain: 'global', reason, message }] };
  return { status, body: status === 304 ? '' : JSON.stringify({ error }) };
}
