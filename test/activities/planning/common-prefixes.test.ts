import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CommonPrefixes } from '../../../activities/planning/common-prefixes.ts';
import type { CollectionLocation } from '../../../contract/messages.ts';

const place = (collectionId: string, bucket: string, prefix: string): CollectionLocation => ({
  ...{ collectionId, bucket, prefix, generation: '1' },
});

const A = place('a', 'one', 'a/');
const B = place('b', 'two', '');
const INNER = place('inner', 'one', 'a/inner/');

function prefixes(...files: [CollectionLocation, string][]) {
  const common = new CommonPrefixes();
  for (const [collection, fileName] of files) common.add(collection, fileName);
  return common.prefixes().map(({ bucket, prefix }) => `${bucket}:${prefix}`);
}

describe('common prefixes', () => {
  it('are none of no files', () => {
    assert.deepEqual(prefixes(), []);
  });

  it('end with a slash, or are the collection itself', () => {
    assert.deepEqual(prefixes([A, '2026/05/f'], [A, '2026/06/f']), ['one:a/2026/']);
    assert.deepEqual(prefixes([A, '2026/05/f']), ['one:a/2026/05/']);
    assert.deepEqual(prefixes([A, 'folder/f'], [A, 'folder2/f']), ['one:a/']);
    assert.deepEqual(prefixes([A, 'f1'], [A, 'f2']), ['one:a/']);
    assert.deepEqual(prefixes([B, 'f'], [B, 'x/f']), ['two:']);
    assert.deepEqual(prefixes([B, 'x/'], [B, 'x/y']), ['two:x/']);
  });

  it('are one for each collection, none under another', () => {
    assert.deepEqual(prefixes([A, 'x/f'], [B, 'x/f'], [INNER, 'f']), ['one:a/x/', 'two:x/', 'one:a/inner/']);
    assert.deepEqual(prefixes([INNER, 'f'], [A, 'f'], [A, 'inner/f']), ['one:a/']);
    assert.deepEqual(prefixes([INNER, 'f'], [A, 'inner/f']), ['one:a/inner/']);
  });

  it('cover every file, each by exactly one', () => {
    const name = fc.stringMatching(/^[ab/]{1,6}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(A, B, INNER), name), { maxLength: 8 }), (files) => {
        const found = prefixes(...files);
        for (const [{ bucket, prefix }, fileName] of files) {
          const covering = found.filter((one) => `${bucket}:${prefix}${fileName}`.startsWith(one));
          assert.equal(covering.length, 1);
        }
      }),
    );
  });
});
