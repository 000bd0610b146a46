import { MAX_LISTED_FILES, MAX_MANIFEST_BYTES, MAX_MANIFEST_LINE_BYTES } from '../contract/limits.ts';
import { readCsv } from './csv.ts';
import type { EntryLine } from './file-entry.ts';
import { gunzip } from './gunzip.ts';
import { ManifestError } from './manifest-error.ts';
import type { ManifestFormat } from '../contract/manifest-format.ts';
import { readNdjson } from './ndjson.ts';
import { readTextLines } from './text-lines.ts';

/** The first two bytes of gzip (RFC 1952, section 2.3.1); no text in UTF-8 begins with them. */
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * Reads a list of files as it streams, in flat memory. A line that is wrong has a problem and is given with the rest;
 * empty lines are left out. Throws ManifestError where the list as a whole cannot be read or goes beyond a bound of
 * contract/limits.ts, and what the reading of `bytes` throws.
 */
export async function* readManifest(
  bytes: AsyncIterable<Uint8Array>,
  { syntax, gzip }: ManifestFormat,
  { maxFiles = MAX_LISTED_FILES }: { maxFiles?: number } = {},
): AsyncGenerator<EntryLine> {
  const text = bounded(gzip ? gunzip(bytes) : plain(bytes));
  const lines = readTextLines(text, MAX_MANIFEST_LINE_BYTES);
  let files = 0;
  for await (const line of syntax === 'csv' ? readCsv(lines) : readNdjson(lines)) {
    files += 1;
    if (files > maxFiles) throw new ManifestError(`names more than ${maxFiles} files`);
    yield line;
  }
}

async function* bounded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > MAX_MANIFEST_BYTES) throw new ManifestError(`is longer than ${MAX_MANIFEST_BYTES} bytes`);
    yield piece;
  }
}

/** Throws ManifestError where a text is compressed: it would be taken for as many lines as it has line feeds. */
async function* plain(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const begin: number[] = [];
  for await (const piece of bytes) {
    if (begin.length < GZIP_MAGIC.length) {
      begin.push(...piece.subarray(0, GZIP_MAGIC.length - begin.length));
      if (GZIP_MAGIC.every((byte, at) => begin[at] === byte)) {
        throw new ManifestError('is compressed with gzip: its name must end with .gz, or its Content-Encoding be gzip');
      }
    }
    yield piece;
  }
}
