import { randomUUID } from 'node:crypto';
import type { File, GetFilesOptions, Storage } from '@google-cloud/storage';
import { toStorageError, isStorageError } from './errors.ts';

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
    return await orUndefined(async () => {
      const [body] = await this.#file(ref).request({ uri: '', qs: generation === undefined ? {} : { generation } });
      return toObjectInfo(body as ObjectResource);
    });
  }

  /** A small object's content and the generation it was read at; undefined where there is none. */
  async readJson(ref: ObjectRef): Promise<{ content: unknown; generation: string } | undefined> {
    return await orUndefined(async () => {
      const [content, response] = await this.#file(ref).request({ uri: '', qs: { alt: 'media' } });
      const generation = (response.headers as Record<string, unknown>)['x-goog-generation'];
      return { content: content, generation: typeof generation === 'string' ? generation : '' };
    });
  }

  /** An object's content as text; undefined where there is none. */
  async readText(ref: ObjectRef): Promise<string | undefined> {
    return await orUndefined(async () => {
      const [content] = await this.#file(ref).download({ validation: false });
      return content.toString('utf8');
    });
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
    try {
      const [written] = await this.#storage.bucket(ref.bucket).request({
        method: 'POST',
        uri: `${this.#storage.apiEndpoint}/upload/storage/v1/b/${encodeURIComponent(ref.bucket)}/o`,
        qs: { uploadType: 'multipart', ...(ifGenerationMatch !== undefined && { ifGenerationMatch }) },
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body: `${part('application/json; charset=utf-8', resource)}${part(contentType, body)}--${boundary}--`,
      });
      return toObjectInfo(written as ObjectResource);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  /** Deletes an object, only at this generation where one is given. False: it was not there, or not at it. */
  async remove(ref: ObjectRef, ifGenerationMatch?: string): Promise<boolean> {
    try {
      await this.#file(ref).request({
        method: 'DELETE',
        uri: '',
        qs: ifGenerationMatch === undefined ? {} : { ifGenerationMatch },
      });
      return true;
    } catch (error) {
      const storageError = toStorageError(error);
      if (isStorageError(storageError, 'notFound') || isStorageError(storageError, 'preconditionFailed')) return false;
      throw storageError;
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
    try {
      const [files, nextQuery] = await this.#storage.bucket(bucket).getFiles(options);
      // Null on the last page, whatever the library's types say.
      return [files, nextQuery];
    } catch (error) {
      throw toStorageError(error);
    }
  }
}

async function orUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const storageError = toStorageError(error);
    if (isStorageError(storageError, 'notFound')) return undefined;
    throw storageError;
  }
}
