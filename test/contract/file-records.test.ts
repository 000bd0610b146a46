import assert from 'node:assert/strict';
import { fitting, pageOf, requestedFile } from '../../contract/file-records.ts';
import { MAX_QUERY_BYTES } from '../../contract/limits.ts';
import type { FileRecord, FilesQuery } from '../../contract/messages.ts';
import type { FileState } from '../../contract/states.ts';

/** The records of files in these states; those at even places go from `a` to `b`, the others from `b` to `c`. */
function records(...states: FileState[]): FileRecord[] {
  return states.map((state, index) => {
    const [sourceCollectionId, destinationCollectionId] = index % 2 === 0 ? ['a', 'b'] : ['b', 'c'];
    const entry = {
      sourceCollectionId,
      destinationCollectionId,
      fileName: `${index}`,
      destinationFileName: `${index}`,
    };
    return { ...requestedFile(entry, index, 1), state };
  });
}

function page(files: FileRecord[], query: Partial<FilesQuery>) {
  const { files: found, next, totalCount } = pageOf(files, { from: 0, limit: 10, ...query });
  return { at: found.map(({ index }) => index), next, totalCount };
}

describe('a file that was asked for', () => {
  it('has a record of which nothing is known yet', () => {
    const entry = { sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'x', destinationFileName: 'y' };
    assert.deepEqual(requestedFile(entry, 3, 1_000), {
      ...entry,
      index: 3,
      state: 'Requested',
      retryCount: 0,
      message: '',
      size: null,
      crc32c: null,
      generation: null,
      sourceGeneration: null,
      history: [{ state: 'Requested', at: 1_000 }],
    });
  });
});

describe('a page of files', () => {
  const files = records('Completed', 'Failed', 'Completed', 'Requested', 'Failed');

  it('begins where it is asked to, and says where the next one begins', () => {
    assert.deepEqual(page(files, { limit: 2 }), { at: [0, 1], next: 2, totalCount: 5 });
    assert.deepEqual(page(files, { limit: 2, from: 2 }), { at: [2, 3], next: 4, totalCount: 5 });
    assert.deepEqual(page(files, { limit: 2, from: 4 }), { at: [4], next: null, totalCount: 5 });
  });

  it('that is full says that it is the last where it is', () => {
    assert.deepEqual(page(files, { limit: 5 }), { at: [0, 1, 2, 3, 4], next: null, totalCount: 5 });
  });

  it('beyond the end is empty', () => {
    assert.deepEqual(page(files, { from: 5 }), { at: [], next: null, totalCount: 5 });
    assert.deepEqual(page([], {}), { at: [], next: null, totalCount: 0 });
  });

  it('narrowed by state counts and pages only what matches', () => {
    assert.deepEqual(page(files, { state: 'Failed', limit: 1 }), { at: [1], next: 4, totalCount: 2 });
    assert.deepEqual(page(files, { state: 'Failed', limit: 1, from: 4 }), { at: [4], next: null, totalCount: 2 });
    assert.deepEqual(page(files, { state: 'Cancelled' }), { at: [], next: null, totalCount: 0 });
  });

  it('narrowed by collection takes sources and destinations', () => {
    assert.deepEqual(page(files, { collectionId: 'a' }).at, [0, 2, 4]);
    assert.deepEqual(page(files, { collectionId: 'b' }).at, [0, 1, 2, 3, 4]);
    assert.deepEqual(page(files, { collectionId: 'c', state: 'Failed' }).at, [1]);
  });

  it('goes on correctly while files change their state in between', () => {
    const { next } = page(files, { state: 'Failed', limit: 1 });
    const later = records('Failed', 'Failed', 'Failed', 'Failed', 'Failed');
    assert.deepEqual(page(later, { state: 'Failed', from: next ?? 0 }).at, [4], 'none is shown twice');
  });
});

describe('a page that has to fit an answer', () => {
  const whole = (count: number, fileName: string) => {
    const entry = {
      ...{ sourceCollectionId: 'example-collection-original', destinationCollectionId: 'example-collection-copy' },
      ...{ fileName, destinationFileName: fileName },
    };
    return { files: Array.from({ length: count }, (_, index) => requestedFile(entry, index, 1)), next: null };
  };

  it('is left as it is where it does: a thousand usual names', () => {
    const page = whole(1_000, '2026/03/02/example_image.jpg');
    assert.equal(fitting(page, MAX_QUERY_BYTES), page);
  });

  it('ends where it no longer would, in bytes, and goes on there; one file always fits', () => {
    const page = whole(1_000, '字"'.repeat(250));
    const { files, next } = fitting(page, MAX_QUERY_BYTES);
    assert.ok(files.length > 100 && files.length < 1_000);
    assert.equal(next, files.length);
    assert.ok(Buffer.byteLength(JSON.stringify(files)) < MAX_QUERY_BYTES);
    assert.deepEqual(
      fitting(page, 1).files.map(({ index }) => index),
      [0],
    );
  });
});
