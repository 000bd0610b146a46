import { randomUUID } from 'node:crypto';
import { ApiError, type File, type GetFilesOptions, type Storage } from '@google-cloud/storage';
import { send } from './client.ts';
import { StorageError, isStorageError } from './errors.ts';

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
  startOffset?: string;
  endOffset?: string;
}

/** What an API resource looks like on the wire; 64-bit numbers are strings there. */
interface ObjectResource {
  bucket?: string;
  name?: string;
  generation?: string | number;
  size?: string | number;
  crc32c?: string;
  timeCreated?: string;
  metadata?: Record<string, unknown>;
}

export function toObjectInfo(resource: ObjectResource): ObjectInfo {
  return {
    bucket: resource.bucket ?? '',
    name: resource.name ?? '',
    generation: String(resource.generation ?? ''),
    size: Number(resource.size ?? 0),
    crc32c: resource.crc32c,
    createdAt: Date.parse(resource.timeCreated ?? ''),
    metadata: (resource.metadata ?? {}) as Record<string, string>,
  };
}

/**
 * The few operations on objects that the service needs, each one request, with its preconditions in sight.
 * Every method throws StorageError.
 */
export class ObjectStore {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  #file({ bucket, name }: ObjectRef): File {
    return this.#storage.bucket(bucket).file(name);
  }

  /** The object's current state, or that of one generation; undefined where there is none. */
  async stat(ref: ObjectRef, generation?: string): Promise<ObjectInfo | undefined> {
    const qs = generation === undefined ? {} : { generation };
    const found = await orUndefined(send(this.#storage, () => this.#file(ref).request({ uri: '', qs })));
    return found && toObjectInfo(found[0] as ObjectResource);
  }

  /**
   * A small object's content, whatever its content type, and the generation it was read at; undefined where there is
   * none. A StorageError of kind `malformed` says that it is no JSON.
   */
  async readJson(ref: ObjectRef): Promise<{ content: unknown; generation: string } | undefined> {
    const request = async () => {
      try {
        return await this.#file(ref).request({ uri: '', qs: { alt: 'media' } });
      } catch (error) {
        // The library takes a stored field "error" for an answer's.
        const isContent = error instanceof ApiError && error.response?.statusCode === 200;
        throw error instanceof SyntaxError || isContent ? malformed(error) : error;
      }
    };
    const found = await orUndefined(send(this.#storage, request));
    if (found === undefined) return undefined;
    const [content, response] = found as [unknown, (typeof found)[1]];
    // It parses what it can, and leaves the rest as text.
    if (typeof content === 'string' || content === undefined) throw malformed();
    const generation = (response.headers as Record<string, unknown>)['x-goog-generation'];
    return { content, generation: typeof generation === 'string' ? generation : '' };
  }

  /** An object's content as text; undefined where there is none. */
  async readText(ref: ObjectRef): Promise<string | undefined> {
    const found = await orUndefined(send(this.#storage, () => this.#file(ref).download({ validation: false })));
    return found?.[0].toString('utf8');
  }

  /**
   * Writes an object whole. `ifGenerationMatch`: "0" creates only, a generation replaces that one only, undefined
   * replaces whatever is there. A StorageError of kind `preconditionFailed` says the precondition did not hold.
   */
  async write(
    ref: ObjectRef,
    body: string,
    options: { ifGenerationMatch?: string; contentType?: string; metadata?: Record<string, string> } = {},
  ): Promise<ObjectInfo> {
    const { ifGenerationMatch, contentType = 'application/json', metadata } = options;
    // One multipart request (cloud.google.com/storage/docs/uploading-objects#uploading-an-object). The library's own
    // upload goes through streams and checksums, at twice the CPU.
    const boundary = randomUUID();
    const part = (type: string, content: string) => `--${boundary}\r\ncontent-type: ${type}\r\n\r\n${content}\r\n`;
    const resource = JSON.stringify({ name: ref.name, contentType, ...(metadata && { metadata }) });
    const [written] = await send(this.#storage, () =>
      this.#storage.bucket(ref.bucket).request({
        method: 'POST',
        uri: `${this.#storage.apiEndpoint}/upload/storage/v1/b/${encodeURIComponent(ref.bucket)}/o`,
        qs: { uploadType: 'multipart', ...(ifGenerationMatch !== undefined && { ifGenerationMatch }) },
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body: `${part('application/json; charset=utf-8', resource)}${part(contentType, body)}--${boundary}--`,
      }),
    );
    return toObjectInfo(written as ObjectResource);
  }

  /** Deletes an object, only at this generation where one is given. False: it was not there, or not at it. */
  async remove(ref: ObjectRef, ifGenerationMatch?: string): Promise<boolean> {
    const qs = ifGenerationMatch === undefined ? {} : { ifGenerationMatch };
    try {
      await send(this.#storage, () => this.#file(ref).request({ method: 'DELETE', uri: '', qs }));
      return true;
    } catch (error) {
      if (isStorageError(error, 'notFound') || isStorageError(error, 'preconditionFailed')) return false;
      throw error;
    }
  }

  /** All objects of a range, in the order of their names, a page of 1,000 at a time. */
  async *list(range: ListRange): AsyncGenerator<ObjectInfo> {
    const { bucket, ...query } = range;
    let pageToken: string | undefined;
    do {
      const options = { ...query, autoPaginate: false, maxResults: 1_000, ...(pageToken ? { pageToken } : {}) };
      const [files, nextQuery] = await this.#page(bucket, options);
      for (const file of files) yield toObjectInfo({ ...(file.metadata as ObjectResource), bucket });
      pageToken = nextQuery?.pageToken;
    } while (pageToken !== undefined);
  }

  async #page(bucket: string, options: GetFilesOptions): Promise<[File[], { pageToken?: string } | null]> {
    const [files, nextQuery] = await send(this.#storage, () => this.#storage.bucket(bucket).getFiles(options));
    // Null on the last page, whatever the library's types say.
    return [files, nextQuery];
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

function malformed(cause?: unknown): StorageError {
  return new StorageError('malformed', 'the object is no JSON', { cause });
}
