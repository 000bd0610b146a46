import assert from 'node:assert/strict';
import { requestDigest } from '../../api/request-digest.ts';
import type { ListRequest } from '../../contract/messages.ts';

const entry = { sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'c', destinationFileName: 'c' };
const request: ListRequest = { entries: [entry], options: { overwrite: 'always' } };

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
