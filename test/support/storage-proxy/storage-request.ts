import type { IncomingHttpHeaders } from 'node:http';

/** What the service asks of Cloud Storage; `other` is anything else (buckets, say), which is passed on as it is. */
export type Operation = 'stat' | 'read' | 'list' | 'upload' | 'delete' | 'rewrite' | 'other';

/** One HTTP request to Cloud Storage, understood. */
export interface StorageRequest {
  readonly operation: Operation;
  /** The bucket, and the object where one is named: of a rewrite, the destination. */
  readonly bucket: string;
  readonly name: string;
  /** Of a rewrite, the object that is read. */
  readonly source: { readonly bucket: string; readonly name: string } | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly method: string;
  /** As it stood in the request line, query included. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Target {
  operation: Operation;
  bucket: string;
  name: string;
  source?: { bucket: string; name: string };
}

const SEGMENT = '([^/]+)';
const REWRITE = new RegExp(`^/storage/v1/b/${SEGMENT}/o/${SEGMENT}/rewriteTo/b/${SEGMENT}/o/${SEGMENT}$`);
const OBJECT = new RegExp(`^(?:/download)?/storage/v1/b/${SEGMENT}/o/${SEGMENT}$`);
const OBJECTS = new RegExp(`^(/upload)?/storage/v1/b/${SEGMENT}/o$`);
/** The XML API's way of naming an object, in which the client library downloads. */
const XML_OBJECT = new RegExp(`^/(?!storage/|upload/|download/)${SEGMENT}/(.+)$`);

/** Tells what a request is about. The target stays as it came: parsing a URL would change it. */
export function parseRequest(
  method: string,
  target: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): StorageRequest {
  const [path, search] = split(target, '?');
  const query = Object.fromEntries(new URLSearchParams(search));
  const parsed = parseTarget(method, path, query, body);
  return { source: undefined, ...parsed, query, method, target, headers, body };
}

function parseTarget(method: string, path: string, query: Record<string, string>, body: Buffer): Target {
  const rewrite = match(REWRITE, path);
  if (rewrite !== undefined && method === 'POST') {
    const [fromBucket = '', fromName = '', bucket = '', name = ''] = rewrite;
    return { operation: 'rewrite', bucket, name, source: { bucket: fromBucket, name: fromName } };
  }
  const object = match(OBJECT, path);
  if (object !== undefined) {
    const [bucket = '', name = ''] = object;
    if (method === 'DELETE') return { operation: 'delete', bucket, name };
    const isMedia = query['alt'] === 'media' || path.startsWith('/download/');
    if (method === 'GET') return { operation: isMedia ? 'read' : 'stat', bucket, name };
    return { operation: 'other', bucket, name };
  }
  const objects = match(OBJECTS, path);
  if (objects !== undefined) {
    const [upload, bucket = ''] = objects;
    if (method === 'GET') return { operation: 'list', bucket, name: '' };
    if (upload !== undefined && method === 'POST') {
      return { operation: 'upload', bucket, name: query['name'] ?? nameInMultipart(body) };
    }
    return { operation: 'other', bucket, name: '' };
  }
  const xml = method === 'GET' ? match(XML_OBJECT, path) : undefined;
  if (xml !== undefined) return { operation: 'read', bucket: xml[0] ?? '', name: xml[1] ?? '' };
  return { operation: 'other', bucket: '', name: '' };
}

function match(pattern: RegExp, path: string): (string | undefined)[] | undefined {
  const groups = pattern.exec(path)?.slice(1);
  return groups?.map((group: string | undefined) => (group === undefined ? undefined : decodeURIComponent(group)));
}

/** The first part of a multipart upload is the object's resource, as JSON. */
function nameInMultipart(body: Buffer): string {
  const text = body.toString('utf8');
  const start = text.indexOf('\r\n\r\n');
  const end = text.indexOf('\r\n--', start);
  if (start < 0 || end < 0) return '';
  const resource = JSON.parse(text.slice(start, end)) as { name?: string };
  return resource.name ?? '';
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
