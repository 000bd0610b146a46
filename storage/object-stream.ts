import { isStorageError, StorageError } from './errors.ts';
import type { JsonApi, StreamedAnswer } from './json-api.ts';

/** An object's content on its way. */
export interface ObjectStream {
  generation: string;
  /** How the content is encoded as it is stored, and so as it comes: `gzip`, say. */
  contentEncoding: string | undefined;
  /** To be read once. Throws StorageError. */
  bytes: AsyncIterable<Uint8Array>;
}

/**
 * Opens an object, given by its path in the API, for reading from its start to its end, in flat memory. Where the
 * connection breaks on the way, the rest is asked for at the same generation, as long as each request brings some of
 * it. Throws StorageError.
 */
export async function openObjectStream(api: JsonApi, path: string, generation?: string): Promise<ObjectStream> {
  const first = await request(api, path, generation, 0);
  const read = first.header('x-goog-generation') ?? generation;
  if (read === undefined) throw new StorageError('unavailable', 'the answer does not tell the generation it is of');
  return {
    generation: read,
    contentEncoding: first.header('content-encoding'),
    bytes: readOn(api, path, read, first),
  };
}

async function* readOn(
  api: JsonApi,
  path: string,
  generation: string,
  first: StreamedAnswer,
): AsyncGenerator<Uint8Array> {
  const length = Number(first.header('content-length') ?? Number.POSITIVE_INFINITY);
  let answer = first;
  let offset = 0;
  for (;;) {
    const startedAt = offset;
    try {
      for await (const bytes of answer.body) {
        offset += bytes.length;
        yield bytes;
      }
      return;
    } catch (error) {
      // All there is has come; only the end of the answer has not.
      if (offset === length) return;
      if (offset === startedAt || !isStorageError(error, 'unavailable')) throw error;
    }
    answer = await resume(api, path, generation, offset);
  }
}

async function resume(api: JsonApi, path: string, generation: string, offset: number): Promise<StreamedAnswer> {
  try {
    return await request(api, path, generation, offset);
  } catch (error) {
    if (!isStorageError(error, 'notFound')) throw error;
    throw new StorageError('unavailable', 'the object was replaced or deleted while it was being read', {
      cause: error,
    });
  }
}

async function request(
  api: JsonApi,
  path: string,
  generation: string | undefined,
  offset: number,
): Promise<StreamedAnswer> {
  const answer = await api.open({
    method: 'GET',
    path,
    query: { alt: 'media', generation },
    headers: {
      // As it is stored: what storage decompresses on the way cannot be asked for from the middle
      // (cloud.google.com/storage/docs/transcoding).
      'accept-encoding': 'gzip',
      ...(offset > 0 && { range: `bytes=${offset}-` }),
    },
  });
  if (offset > 0 && answer.status !== 206) {
    throw new StorageError('unavailable', `asked for the rest of an object, storage answered ${answer.status}`);
  }
  return answer;
}
