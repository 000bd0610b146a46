import assert from 'node:assert/strict';
import { findConflicts } from '../../../activities/access/check-access.ts';
import type { CollectionLocation, FileEntry } from '../../../contract/messages.ts';

const COLLECTIONS: CollectionLocation[] = [
  { collectionId: 'a', bucket: 'one', prefix: 'a/', generation: '1' },
  { collectionId: 'b', bucket: 'one', prefix: 'b/', generation: '1' },
  { collectionId: 'whole', bucket: 'one', prefix: '', generation: '1' },
  { collectionId: 'elsewhere', bucket: 'two', prefix: 'a/', generation: '1' },
  { collectionId: 'dots', bucket: 'one', prefix: '..', generation: '1' },
  { collectionId: 'long', bucket: 'one', prefix: `${'p'.repeat(99)}/`, generation: '1' },
];

function entry(from: string, fileName: string, to: string, destinationFileName = fileName): FileEntry {
  return { sourceCollectionId: from, fileName, destinationCollectionId: to, destinationFileName };
}

/** The mistakes, each as `index.field: message`. */
function conflicts(...entries: FileEntry[]): string[] {
  return findConflicts(entries, COLLECTIONS).map(({ path, message }) => {
    const [, index, field] = /^copyFileCollectionData\[(\d+)\]\.(\w+)$/.exec(path) ?? [];
    return `${index}.${field}: ${message}`;
  });
}

describe('conflicts of a request, once its collections are places', () => {
  it('are none where every file has a place of its own', () => {
    assert.deepEqual(
      conflicts(entry('a', 'f', 'b'), entry('a', 'g', 'b'), entry('a', 'f', 'b', 'h'), entry('a', 'f', 'elsewhere')),
      [],
    );
  });

  it('are two files with one destination', () => {
    assert.deepEqual(conflicts(entry('a', 'f', 'b', 'x'), entry('a', 'g', 'b', 'x'), entry('a', 'h', 'b', 'x')), [
      '1.destinationFileName: is already the destination of copyFileCollectionData[0]',
      '2.destinationFileName: is already the destination of copyFileCollectionData[0]',
    ]);
  });

  it('are two files with one destination by way of two collections', () => {
    assert.deepEqual(conflicts(entry('elsewhere', 'f', 'b', 'x'), entry('elsewhere', 'g', 'whole', 'b/x')), [
      '1.destinationFileName: is already the destination of copyFileCollectionData[0]',
    ]);
  });

  it('are a file onto itself, by way of two collections too', () => {
    assert.deepEqual(conflicts(entry('a', 'f', 'a'), entry('a', 'g', 'whole', 'a/g')), [
      '0.destinationFileName: is the source file itself',
      '1.destinationFileName: is the source file itself',
    ]);
  });

  it('are a destination that another entry reads, whichever comes first', () => {
    assert.deepEqual(conflicts(entry('a', 'f', 'b'), entry('b', 'f', 'elsewhere')), [
      '0.destinationFileName: is also a source of this request',
    ]);
    assert.deepEqual(conflicts(entry('whole', 'b/f', 'elsewhere'), entry('a', 'f', 'b')), [
      '1.destinationFileName: is also a source of this request',
    ]);
  });

  it('are not the same name in another bucket', () => {
    assert.deepEqual(conflicts(entry('a', 'f', 'elsewhere'), entry('elsewhere', 'g', 'b')), []);
  });

  it('are names that are too long with the prefix of their collection, not before', () => {
    const fits = 'x'.repeat(1_024 - 100);
    assert.deepEqual(conflicts(entry('long', fits, 'long', fits.replace('x', 'y'))), []);
    const tooLong = conflicts(entry('long', `${fits}x`, 'long', `${fits}y`));
    assert.equal(tooLong.length, 2);
    for (const [index, field] of ['fileName', 'destinationFileName'].entries()) {
      assert.match(tooLong[index] ?? '', new RegExp(`^0\\.${field}: must be at most 1024 UTF-8 bytes together`));
    }
  });

  it('count bytes, not letters', () => {
    assert.deepEqual(conflicts(entry('long', 'ü'.repeat(462), 'b')), []);
    assert.match(conflicts(entry('long', 'ü'.repeat(463), 'b'))[0] ?? '', /but is 1026/);
  });

  it('are names that only the prefix makes bad', () => {
    assert.match(
      conflicts(entry('dots', '/f', 'b', 'f'))[0] ?? '',
      /^0\.fileName: .*together with the collection's prefix/,
    );
    assert.deepEqual(conflicts(entry('dots', 'f', 'b')), []);
  });

  it('are all listed, not the first', () => {
    const long = 'x'.repeat(1_000);
    const found = conflicts(
      entry('a', 'f', 'a'),
      entry('long', long, 'b', 'ok'),
      entry('a', 'g', 'b', 'ok'),
      entry('b', 'ok', 'elsewhere'),
    );
    assert.deepEqual(
      found.map((text) => text.replace(/ bytes.*/, '')),
      [
        '0.destinationFileName: is the source file itself',
        '1.fileName: must be at most 1024 UTF-8',
        '1.destinationFileName: is also a source of this request',
        '2.destinationFileName: is also a source of this request',
        '2.destinationFileName: is already the destination of copyFileCollectionData[1]',
      ],
    );
  });

  it('do not mistake where a bucket ends and a name begins, or names that only look alike', () => {
    assert.deepEqual(conflicts(entry('a', 'x', 'b', 'caf\u00e9'), entry('a', 'x', 'b', 'cafe\u0301')), []);
    assert.deepEqual(conflicts(entry('a', 'x', 'b', 'f'), entry('a', 'x', 'b', '/f'), entry('a', 'x', 'b', 'F')), []);
  });
});
