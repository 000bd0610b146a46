import assert from 'node:assert/strict';
import { indexCollections, locate } from '../../contract/locate.ts';
import type { FileEntry } from '../../contract/messages.ts';

const collections = indexCollections([
  { collectionId: 'from', bucket: 'one', prefix: '', generation: '1' },
  { collectionId: 'to', bucket: 'two', prefix: 'team/ä ', generation: '2' },
  { collectionId: 'constructor', bucket: 'three', prefix: 'x', generation: '3' },
]);

const entry: FileEntry = {
  sourceCollectionId: 'from',
  destinationCollectionId: 'to',
  fileName: 'a//b #?%.txt',
  destinationFileName: '/c',
};

describe('the place of a file', () => {
  it('is the bucket of its collection, and the prefix and the name put together as they are', () => {
    assert.deepEqual(locate(entry, collections), {
      source: { bucket: 'one', name: 'a//b #?%.txt' },
      destination: { bucket: 'two', name: 'team/ä /c' },
    });
  });

  it('is found for any collection id', () => {
    const { destination } = locate({ ...entry, destinationCollectionId: 'constructor' }, collections);
    assert.deepEqual(destination, { bucket: 'three', name: 'x/c' });
  });

  it('is not made up for a collection that access was not decided on', () => {
    for (const sourceCollectionId of ['other', 'toString', '__proto__']) {
      assert.throws(() => locate({ ...entry, sourceCollectionId }, collections), /was not part of the admission/);
    }
  });
});
