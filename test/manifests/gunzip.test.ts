import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { GZIP_ALLOWANCE_BYTES, MAX_GZIP_RATIO } from '../../contract/limits.ts';
import { StorageError } from '../../storage/errors.ts';
import { gunzip } from '../../manifests/gunzip.ts';
import { ManifestError } from '../../manifests/manifest-error.ts';
import { inPieces } from './support.ts';

const expand = async (content: Uint8Array, cuts: readonly number[] = []) =>
  Buffer.concat(await Array.fromAsync(gunzip(inPieces(content, cuts)))).toString();

describe('gunzip', () => {
  const text = 'line\n'.repeat(1_000);

  it('gives what was compressed, wherever it is cut into pieces, in one part or several', async () => {
    const zipped = gzipSync(text);
    assert.equal(await expand(zipped, [0, 1, 5, 12]), text);
    assert.equal(await expand(Buffer.concat([zipped, gzipSync('more')]), [zipped.length]), `${text}more`);
    assert.equal(await expand(gzipSync('')), '');
  });

  const broken: [title: string, content: Uint8Array][] = [
    ['is no gzip', Buffer.from(text)],
    ['ends early', gzipSync(text).subarray(0, -9)],
    ['is empty', Buffer.alloc(0)],
  ];
  for (const [title, content] of broken) {
    it(`refuses what ${title}`, async () => {
      await assert.rejects(
        expand(content),
        (error) => error instanceof ManifestError && /no valid gzip/.test(error.message),
      );
    });
  }

  it('stops at a bomb as soon as it shows', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024));
    let expanded = 0;
    const reading = (async () => {
      for await (const piece of gunzip(inPieces(bomb, [1_000, 2_000, 3_000]))) expanded += piece.length;
    })();
    await assert.rejects(reading, (error) => error instanceof ManifestError && /300 times/.test(error.message));
    assert.ok(expanded <= GZIP_ALLOWANCE_BYTES + bomb.length * MAX_GZIP_RATIO, `${expanded} bytes came out`);
  });

  it('throws what the reading throws', async () => {
    const lost = new StorageError('unavailable', 'lost');
    const zipped = gzipSync(text);
    async function* breaking() {
      yield zipped.subarray(0, 20);
      await Promise.reject(lost);
    }
    await assert.rejects(Array.fromAsync(gunzip(breaking())), (error) => error === lost);
  });

  it('ends the reading where it is left early', async () => {
    const ended = Promise.withResolvers<undefined>();
    const zipped = gzipSync(Buffer.alloc(4_000_000, 'some text'));
    async function* endless() {
      try {
        for (;;) yield await Promise.resolve(zipped);
      } finally {
        ended.resolve(undefined);
      }
    }
    for await (const piece of gunzip(endless())) {
      assert.ok(piece.length > 0);
      break;
    }
    await ended.promise;
  });
});
