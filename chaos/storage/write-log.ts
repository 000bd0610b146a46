import type { HttpAnswer, HttpRequest } from '../../bench/storage-server/http-connection.ts';
import { decodePercent } from '../../bench/storage-server/byte-text.ts';

/** A rewrite that storage carried out, whether or not its answer arrived. */
export interface Write {
  /** Full names of the objects, `bucket/name`. */
  from: string;
  to: string;
  generation: number;
  size: number;
  crc32c: string;
  /** Milliseconds since the epoch. */
  at: number;
}

const REWRITE = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)\/rewriteTo\/b\/([^/]+)\/o\/([^/]+)$/;

interface RewriteResource {
  done: boolean;
  resource: { generation: string; size: string; crc32c: string };
}

/** Storage's own account of what was copied, in the order in which it was. */
export class WriteLog {
  readonly writes: Write[] = [];

  /** Takes in a request and what storage made of it. */
  take({ method, path }: HttpRequest, { status, body }: HttpAnswer): void {
    if (method !== 'POST' || status !== 200) return;
    const [, ...place] = REWRITE.exec(path) ?? [];
    if (place.length === 0) return;
    const { done, resource } = JSON.parse(text(body)) as RewriteResource;
    if (!done) return;
    const [fromBucket = '', fromName = '', toBucket = '', toName = ''] = place.map(utf8);
    this.writes.push({
      from: `${fromBucket}/${fromName}`,
      to: `${toBucket}/${toName}`,
      generation: Number(resource.generation),
      size: Number(resource.size),
      crc32c: resource.crc32c,
      at: Date.now(),
    });
  }
}

const text = (body: string | Buffer) => (typeof body === 'string' ? utf8OfBytes(body) : body.toString('utf8'));
const utf8OfBytes = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');
const utf8 = (encoded: string) => utf8OfBytes(decodePercent(encoded));
