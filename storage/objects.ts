import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { isStorageError, StorageError } from './errors.ts';
import type { HttpAnswer } from './http-exchange.ts';
import type { JsonApi } from './json-api.ts';
import { openObjectStream, type ObjectStream } from './object-stream.ts';
import { ObjectUpload } from './object-upload.ts';

/** An object's place: its bucket and full name. */
export interface ObjectRef {
  bucket: string;
  name: string;
}

/** What Cloud Storage says of an object (cloud.google.com/storage/docs/json_api/v1/objects#resource). */
export interface ObjectInfo extends ObjectRef {
  generation: string;
  /** Bytes. */
  size: number;
  /** Base64 of the big-endian CRC32C; Cloud Storage computes one for every object. */
  crc32c: string | undefined;
  /** When this generation was made, by the clock of Cloud Storage, in milliseconds since the epoch. */
  createdAt: number;
  /** Custom metadata. */
  metadata: Readonly<Record<string, string>>;
}

/** Names from `startOffset` (included) to `endOffset` (excluded), in the order of their UTF-8 bytes. */
export interface ListRange {
  bucket: string;
  prefix?: string;
  startOffset?: string | undefined;
  endOffset?: string | undefined;
}

/** How a listing is to be read. */
interface ListHint {
  /** How many are likely to be wanted: the first page has no more. Default: a full page. */
  atFirst?: number | undefined;
}

/** A page of a listing, as it came: most of it may not be wanted. */
export interface ListedPage {
  resources: ObjectResource[];
  /** Whether the range ends with it. */
  isLast: boolean;
  /** What gives the next page of the same range; empty after the last one. */
  nextPageToken: string;
}

/** Objects on a page of a listing: the most that Cloud Storage gives. */
const PAGE_SIZE = 1_000;

/** What a lean listing asks for; all of a resource would be five times as much to parse. */
const LISTED_FIELDS = 'items(name,generation,size,crc32c,timeCreated),nextPageToken';

/** What is known of an object, and no more of what a listing could tell. */
const INFO_FIELDS = 'items(name,generation,size,crc32c,timeCreated,metadata),nextPageToken';

/** What an API resource looks like on the wire; 64-bit numbers are strings there. */
export interface ObjectResource {
  bucket?: string;
  name?: string;
  generation?: string | number;
  size?: string | number;
  crc32c?: string;
  timeCreated?: string;
  metadata?: Record<string, unknown>;
}

/** `place`: where it is, in case the resource does not say so. */
export function toObjectInfo(resource: ObjectResource, place?: Partial<ObjectRef>): ObjectInfo {
  return {
    bucket: place?.bucket ?? resource.bucket ?? '',
    name: place?.name ?? resource.name ?? '',
    generation: String(resource.generation ?? ''),
    size: Number(resource.size ?? 0),
    crc32c: resource.crc32c,
    createdAt: Date.parse(resource.timeCreated ?? ''),
    metadata: (resource.metadata ?? {}) as Record<string, string>,
  };
}

/** Where an object is in the API. */
export function objectPath({ bucket, name }: ObjectRef): string {
  return `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
}

/** What an answer of the API says, an object; one that is cut short, or says something else, counts as none. */
export function parseAnswer({ body }: Pick<HttpAnswer, 'body'>): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch (error) {
    throw new StorageError('unavailable', 'the answer is no JSON, or not all of it', { cause: error });
  }
  if (typeof answer !== 'object' || answer === null) throw new StorageError('unavailable', 'the answer is no object');
  return answer;
}

/**
 * What stands before and behind an object's content where metadata and content go in one request
 * (cloud.google.com/storage/docs/uploading-objects#uploading-an-object), and the type of that.
 */
function multipart(resource: { name: string; contentType: string; metadata?: Record<string, string> }) {
  const boundary = randomUUID();
  const part = (type: string) => `--${boundary}\r\ncontent-type: ${type}\r\n\r\n`;
  return {
    head: `${part('application/json; charset=utf-8')}${JSON.stringify(resource)}\r\n${part(resource.contentType)}`,
    tail: `\r\n--${boundary}--`,
    type: `multipart/related; boundary=${boundary}`,
  };
}

async function* inTurn(head: string, content: Readable, tail: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(head);
  for await (const bytes of content) yield bytes as Uint8Array;
  yield Buffer.from(tail);
}

interface WriteOptions {
  ifGenerationMatch?: string;
  contentType?: string;
  metadata?: Record<string, string>;
}

/**
 * The few operations on objects that the service needs, each one request, with its preconditions in sight.
 * Every method throws StorageError.
 */
export class ObjectStore {
  readonly #api: JsonApi;

  constructor(api: JsonApi) {
    this.#api = api;
  }

  /** The object's current state; undefined where there is none. */
  async stat(ref: ObjectRef): Promise<ObjectInfo | undefined> {
    const answer = await orUndefined(this.#api.send({ method: 'GET', path: objectPath(ref) }));
    return answer && toObjectInfo(parseAnswer(answer) as ObjectResource);
  }

  /**
   * A small object's content, whatever its content type, and the generation it was read at; undefined where there is
   * none. A StorageError of kind `malformed` says that it is no JSON.
   */
  async readJson(ref: ObjectRef): Promise<{ content: unknown; generation: string } | undefined> {
    const answer = await this.#read(ref);
    if (answer === undefined) return undefined;
    let content: unknown;
    try {
      content = JSON.parse(answer.body);
    } catch (error) {
      throw new StorageError('malformed', 'the object is no JSON', { cause: error });
    }
    return { content, generation: answer.header('x-goog-generation') ?? '' };
  }

  /**
   * A long object's content as it streams, at one generation: the one given, or the one that is there when it begins.
   * Undefined where there is none. The stream has to be read, or left early; it throws StorageError as all else does.
   */
  async readStream(ref: ObjectRef, generation?: string): Promise<ObjectStream | undefined> {
    return await orUndefined(openObjectStream(this.#api, objectPath(ref), generation));
  }

  /** An object's content as text, at the generation given or as it is now; undefined where there is none. */
  async readText(ref: ObjectRef, generation?: string): Promise<string | undefined> {
    return (await this.#read(ref, generation))?.body;
  }

  async #read(ref: ObjectRef, generation?: string): Promise<HttpAnswer | undefined> {
    const query = { alt: 'media', generation };
    return await orUndefined(this.#api.send({ method: 'GET', path: objectPath(ref), query }));
  }

  /**
   * Writes an object whole. `ifGenerationMatch`: "0" creates only, a generation replaces that one only, undefined
   * replaces whatever is there; that is never sent again. A StorageError of kind `preconditionFailed` says the
   * precondition did not hold.
   */
  async write({ bucket, name }: ObjectRef, content: string, options: WriteOptions = {}): Promise<ObjectInfo> {
    const { ifGenerationMatch, contentType = 'application/json', metadata } = options;
    const { head, tail, type } = multipart({ name, contentType, ...(metadata && { metadata }) });
    const answer = await this.#api.send({
      method: 'POST',
      path: `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`,
      query: { uploadType: 'multipart', ifGenerationMatch },
      body: { contentType: type, content: `${head}${content}${tail}` },
    });
    return toObjectInfo(parseAnswer(answer) as ObjectResource);
  }

  /**
   * Begins to write an object whose content is made on the way, in flat memory; it must not be there yet. Storage says
   * so at the end: a StorageError of kind `preconditionFailed`. In parts, as `write` does: of an upload that breaks off the
   * closing delimiter is missing, and fake-gcs-server lets nobody read while it takes one of the kind `media`.
   */
  create({ bucket, name }: ObjectRef, contentType: string): ObjectUpload {
    const { head, tail, type } = multipart({ name, contentType });
    const request = {
      method: 'POST' as const,
      path: `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`,
      query: { uploadType: 'multipart', ifGenerationMatch: '0' },
    };
    return new ObjectUpload(async (content) => {
      const parts = Readable.from(inTurn(head, content, tail), { objectMode: false });
      const answer = await this.#api.upload({ ...request, body: { contentType: type, content: parts } });
      return toObjectInfo(parseAnswer(answer) as ObjectResource);
    }, this.#api.timeoutMs);
  }

  /** Deletes an object, only at this generation where one is given. False: it was not there, or not at it. */
  async remove(ref: ObjectRef, ifGenerationMatch?: string): Promise<boolean> {
    try {
      await this.#api.send({ method: 'DELETE', path: objectPath(ref), query: { ifGenerationMatch } });
      return true;
    } catch (error) {
      if (isStorageError(error, 'notFound') || isStorageError(error, 'preconditionFailed')) return false;
      throw error;
    }
  }

  /**
   * The first objects of a range, at most 1,000, in the order of their names: what a listing tells at the least cost,
   * without custom metadata; with the token of a page, those that follow it. Undefined: the bucket does not exist.
   */
  async listPage({ bucket, ...range }: ListRange, pageToken?: string): Promise<ListedPage | undefined> {
    const answer = await orUndefined(
      this.#api.send({
        method: 'GET',
        path: `/storage/v1/b/${encodeURIComponent(bucket)}/o`,
        query: { ...range, maxResults: PAGE_SIZE, fields: LISTED_FIELDS, pageToken },
      }),
    );
    if (answer === undefined) return undefined;
    const { items = [], nextPageToken = '' } = parseAnswer(answer) as {
      items?: ObjectResource[];
      nextPageToken?: string;
    };
    return { resources: items, isLast: nextPageToken === '', nextPageToken };
  }

  /** All objects of a range, in the order of their names, a page of up to 1,000 at a time. */
  async *list({ bucket, ...range }: ListRange, { atFirst = PAGE_SIZE }: ListHint = {}): AsyncGenerator<ObjectInfo> {
    let pageToken: string | undefined;
    let maxResults = Math.min(atFirst, PAGE_SIZE);
    do {
      const answer = await this.#api.send({
        method: 'GET',
        path: `/storage/v1/b/${encodeURIComponent(bucket)}/o`,
        query: { ...range, maxResults, fields: INFO_FIELDS, pageToken },
      });
      maxResults = PAGE_SIZE;
      const page = parseAnswer(answer) as { items?: ObjectResource[]; nextPageToken?: string };
      for (const item of page.items ?? []) yield toObjectInfo(item, { bucket });
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && pageToken !== '');
  }

  /**
   * The folders right under a prefix, each with its slash, from `startOffset` on in the order of their names: without a
   * look at what is in them.
   */
  async *listFolders({ bucket, ...range }: ListRange): AsyncGenerator<string> {
    let pageToken: string | undefined;
    do {
      const answer = await this.#api.send({
        method: 'GET',
        path: `/storage/v1/b/${encodeURIComponent(bucket)}/o`,
        query: { ...range, delimiter: '/', maxResults: PAGE_SIZE, fields: 'prefixes,nextPageToken', pageToken },
      });
      const page = parseAnswer(answer) as { prefixes?: string[]; nextPageToken?: string };
      yield* page.prefixes ?? [];
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && pageToken !== '');
  }
}

async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isStorageError(error, 'notFound')) return undefined;
    throw error;
  }
}
