import assert from 'node:assert/strict';
import { listDigest, sourceDigest, type NamedSource } from '../../api/request-digest.ts';
import type { ListRequest } from '../../contract/messages.ts';

const entry = { sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'c', destinationFileName: 'c' };
const request: ListRequest = { entries: [entry], options: { overwrite: 'always' } };

const requestDigest = ({ entries, options }: ListRequest) => listDigest(entries, options);

describe('the digest of a request', () => {
  it('is SHA-256 in hex, and stays what it is: it is compared with stored ones', () => {
    assert.equal(requestDigest(request), 'f571937027e2f6f41d3103b6c46c0d367b9e1c74bab7a8866c4e1b6f35e8c755');
  });

  it('does not depend on the order of keys', () => {
    const { sourceCollectionId, ...rest } = entry;
    assert.equal(
      requestDigest({ options: { overwrite: 'always' }, entries: [{ ...rest, sourceCollectionId }] }),
      requestDigest(request),
    );
  });

  it('does not depend on whether a default is written out', () => {
    const options = { dryRun: false, priority: 3, onLocked: 'reject', overwrite: 'always' } as const;
    assert.equal(requestDigest({ ...request, options }), requestDigest(request));
  });

  it('differs with every field, the order of entries and where one name ends and the next begins', () => {
    const requests: ListRequest[] = [
      request,
      { ...request, options: { overwrite: 'never' } },
      { ...request, options: { overwrite: 'always', onLocked: 'skip' } },
      { ...request, options: { overwrite: 'always', priority: 1 } },
      { ...request, options: { overwrite: 'always', dryRun: true } },
      { ...request, entries: [entry, entry] },
      ...(Object.keys(entry) as (keyof typeof entry)[]).map((key) => ({
        ...request,
        entries: [{ ...entry, [key]: 'x' }],
      })),
      { ...request, entries: [{ ...entry, fileName: 'c1' }, entry] },
      { ...request, entries: [entry, { ...entry, fileName: 'c1' }] },
      { ...request, entries: [{ ...entry, sourceCollectionId: 'ab', destinationCollectionId: '' }] },
    ];
    assert.equal(new Set(requests.map(requestDigest)).size, requests.length);
  });
});

describe('the digest of a request that names a source', () => {
  const manifest: NamedSource = { kind: 'manifest', collectionId: 'a', fileName: 'b.csv' };
  const collection: NamedSource = {
    kind: 'collection',
    sourceCollectionId: 'a',
    destinationCollectionId: 'b',
    prefix: '',
  };

  it('stays what it is: it is compared with stored ones', () => {
    assert.equal(
      sourceDigest(manifest, { overwrite: 'always' }),
      'fd646759f923d5e665842d15554c4ac092fffdfe97397a2b35e032e5843f4214',
    );
    assert.equal(
      sourceDigest(collection, { overwrite: 'always' }),
      'aa777f3222069657efce6916172243ac9824a98e964a353a63b855c0d429da69',
    );
  });

  it('differs with every field and option', () => {
    const digests = [
      sourceDigest(manifest, { overwrite: 'always' }),
      sourceDigest(manifest, { overwrite: 'always', maxFilesPerSecond: 5 }),
      sourceDigest({ ...manifest, collectionId: 'x' }, { overwrite: 'always' }),
      sourceDigest({ ...manifest, fileName: 'x.csv' }, { overwrite: 'always' }),
      sourceDigest(collection, { overwrite: 'always' }),
      sourceDigest({ ...collection, sourceCollectionId: 'x' }, { overwrite: 'always' }),
      sourceDigest({ ...collection, destinationCollectionId: 'x' }, { overwrite: 'always' }),
      sourceDigest({ ...collection, prefix: 'x' }, { overwrite: 'always' }),
      sourceDigest({ ...collection, rest: { after: '' } }, { overwrite: 'always' }),
      sourceDigest({ ...collection, rest: { after: 'x' } }, { overwrite: 'always' }),
      sourceDigest({ ...collection, rest: { after: 'x' } }, { overwrite: 'always' }, 'digest of a list'),
      sourceDigest({ ...collection, sourceCollectionId: 'ab', destinationCollectionId: '' }, { overwrite: 'always' }),
      listDigest([], { overwrite: 'always' }),
    ];
    assert.equal(new Set(digests).size, digests.length);
  });
});
