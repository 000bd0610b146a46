import { randomUUID } from 'node:crypto';
import { toByteText } from './byte-text.ts';
import { Refusal } from './bucket-store.ts';
import { crc32c } from './crc32c.ts';
import type { HttpAnswer, HttpRequest } from './http-connection.ts';
import type { StoredObject } from './sorted-objects.ts';

/** An object as it was uploaded, and under which name (a byte text). */
export interface Upload {
  name: string;
  content: Omit<StoredObject, 'generation'>;
  /** The query of the request that the upload began with. */
  query: Readonly<Record<string, string>>;
}

/** What a request may say of the object it uploads. */
interface Resource {
  name?: string;
  contentType?: string;
  metadata?: Record<string, string>;
}

interface Session {
  resource: Resource;
  query: Readonly<Record<string, string>>;
  pieces: Buffer[];
}

/** Uploads in all three forms (cloud.google.com/storage/docs/uploads-downloads). Throws Refusal. */
export class Uploads {
  readonly #sessions = new Map<string, Session>();

  /** What a request uploads, or the answer to one that is only part of an upload. */
  receive(request: HttpRequest): Upload | HttpAnswer {
    const { query, body } = request;
    switch (query['uploadType']) {
      case 'multipart':
        return fromMultipart(request);
      case 'media':
        return toUpload({ contentType: request.header('content-type') ?? '' }, query, body);
      case 'resumable':
        return request.method === 'POST' ? this.#begin(request) : this.#continue(request);
      default:
        throw new Refusal(400, 'invalid', 'uploadType is missing.');
    }
  }

  #begin({ query, path, body, header }: HttpRequest): HttpAnswer {
    const id = randomUUID();
    const resource = body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as Resource);
    const contentType = resource.contentType ?? header('x-upload-content-type') ?? '';
    this.#sessions.set(id, { resource: { ...resource, contentType }, query, pieces: [] });
    const location = `http://${header('host') ?? ''}${path}?uploadType=resumable&upload_id=${id}`;
    return { status: 200, headers: { location }, body: '' };
  }

  #continue({ query, body, header }: HttpRequest): Upload | HttpAnswer {
    const id = query['upload_id'] ?? '';
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Refusal(404, 'notFound', 'No such upload.');
    session.pieces.push(body);
    const length = session.pieces.reduce((sum, piece) => sum + piece.length, 0);
    const total = /\/(\d+)$/.exec(header('content-range') ?? '')?.[1];
    if (header('content-range') !== undefined && (total === undefined || length < Number(total))) {
      return { status: 308, headers: length === 0 ? {} : { range: `bytes=0-${length - 1}` }, body: '' };
    }
    this.#sessions.delete(id);
    return toUpload(session.resource, session.query, Buffer.concat(session.pieces));
  }
}

/** Two parts, JSON and content, between lines of a boundary (RFC 2387). */
function fromMultipart({ query, body, header }: HttpRequest): Upload {
  const boundary = /boundary="?([^";]+)/.exec(header('content-type') ?? '')?.[1];
  if (boundary === undefined) throw new Refusal(400, 'invalid', 'The body has no boundary.');
  const separator = `\r\n--${boundary}`;
  const first = body.indexOf('\r\n\r\n') + 4;
  const firstEnd = body.indexOf(separator, first);
  const second = body.indexOf('\r\n\r\n', firstEnd + separator.length) + 4;
  const secondEnd = body.lastIndexOf(separator);
  if (firstEnd < 0 || secondEnd < second) throw new Refusal(400, 'invalid', 'The body is not of two parts.');
  const resource = JSON.parse(body.toString('utf8', first, firstEnd)) as Resource;
  const partHead = body.toString('latin1', firstEnd, second);
  const contentType = resource.contentType ?? /content-type:[ \t]*([^\r]*)/i.exec(partHead)?.[1] ?? '';
  return toUpload({ ...resource, contentType }, query, body.subarray(second, secondEnd));
}

function toUpload(resource: Resource, query: Readonly<Record<string, string>>, body: Buffer): Upload {
  const name = resource.name === undefined ? query['name'] : toByteText(resource.name);
  if (name === undefined || name === '') throw new Refusal(400, 'required', 'The object has no name.');
  const metadata = resource.metadata === undefined ? undefined : toByteText(JSON.stringify(resource.metadata));
  // Part of what a connection received would keep the whole of it in memory.
  const content = Buffer.from(body);
  const details = { contentType: resource.contentType || 'application/octet-stream', content, metadata };
  return { name, content: { size: content.length, crc32c: crc32c(content), details }, query };
}
