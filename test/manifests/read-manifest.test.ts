import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { MAX_MANIFEST_BYTES } from '../../contract/limits.ts';
import { ManifestError } from '../../manifests/manifest-error.ts';
import { readManifest } from '../../manifests/read-manifest.ts';
import { cuts, inPieces, readAll } from './support.ts';

const PIECE = Buffer.alloc(64 * 1024 * 1024, 'x');

/** A content of this length without a line end, which takes no memory. */
async function* endless(length: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < length; sent += PIECE.length) {
    yield PIECE.subarray(0, length - sent);
    await Promise.resolve();
  }
}

describe('a manifest', () => {
  it('that is compressed, and does not say so, is refused, wherever it is cut into pieces', async () => {
    const content = gzipSync('{}');
    for (const at of [[], [1], [2], [1, 2]]) {
      await assert.rejects(
        readAll(content, { syntax: 'ndjson' }, at),
        (error) => error instanceof ManifestError && /^is compressed with gzip/.test(error.message),
      );
    }
    assert.equal((await readAll(Buffer.from([0x1f]), { syntax: 'ndjson' })).length, 1);
  });

  it('of any bytes is read to its end or refused as a whole, its lines in their order', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.stringMatching(/^[a,"\n\r{}:]{0,60}$/).map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom('ndjson', 'csv'), cuts, async (content, syntax, at) => {
        const lines = await readAll(content, { syntax }, at).catch((error: unknown) => {
          assert.ok(error instanceof ManifestError, String(error));
          return [];
        });
        const numbers = lines.map(({ line }) => line);
        assert.deepEqual(
          numbers,
          [...new Set(numbers)].sort((one, other) => one - other),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('may have the largest size and no more, whatever is in it', async () => {
    const read = (length: number) => Array.fromAsync(readManifest(endless(length), { syntax: 'ndjson', gzip: false }));
    assert.equal((await read(MAX_MANIFEST_BYTES)).length, 1);
    await assert.rejects(
      read(MAX_MANIFEST_BYTES + 1),
      (error) => error instanceof ManifestError && /longer/.test(error.message),
    );
  });

  it('may name so many files and no more, wrong ones included', async () => {
    const read = (text: string) =>
      Array.fromAsync(readManifest(inPieces(text), { syntax: 'ndjson', gzip: false }, { maxFiles: 3 }));
    assert.equal((await read('{\n\n{\n{\n\n')).length, 3);
    await assert.rejects(
      read('{\n{\n{\n{'),
      (error) => error instanceof ManifestError && /more than 3 files/.test(error.message),
    );
  });
});
