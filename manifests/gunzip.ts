import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GZIP_ALLOWANCE_BYTES, MAX_GZIP_RATIO } from '../contract/limits.ts';
import { ManifestError } from './manifest-error.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * Decompresses gzip as it streams. Throws ManifestError where it is none, ends early or expands beyond any list
 * (MAX_GZIP_RATIO), and what the reading of `bytes` throws.
 */
export async function* gunzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let compressed = 0;
  let expanded = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of bytes) {
      compressed += piece.length;
      yield piece;
    }
  }
  const unzip = createGunzip({ chunkSize: PIECE_BYTES });
  // Whatever goes wrong is thrown where `unzip` is read; leaving early ends the reading of `bytes` too.
  pipeline(Readable.from(counted(), { objectMode: false }), unzip, () => undefined);
  try {
    for await (const piece of unzip as AsyncIterable<Buffer>) {
      expanded += piece.length;
      if (expanded > GZIP_ALLOWANCE_BYTES + compressed * MAX_GZIP_RATIO) {
        throw new ManifestError(`expands to more than ${MAX_GZIP_RATIO} times its size`);
      }
      yield piece;
    }
  } catch (error) {
    throw isZlibError(error) ? new ManifestError(`is no valid gzip: ${error.message}`, { cause: error }) : error;
  }
  if (compressed === 0) throw new ManifestError('is no valid gzip: it is empty');
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}
