import assert from 'node:assert/strict';
import { decodeContinuationToken, encodeContinuationToken } from '../../api/views/continuation-token.ts';
import { ID, OTHER_ID } from './support.ts';

describe('a continuation token', () => {
  it('gives back the index it was made for', () => {
    for (const index of [0, 1, 100, 999_999, 2 ** 32 - 1]) {
      const token = encodeContinuationToken(ID, index);
      assert.match(token, /^[\w-]{28}$/);
      assert.equal(decodeContinuationToken(token, ID), index);
    }
  });

  it('is worth nothing to another job', () => {
    assert.equal(decodeContinuationToken(encodeContinuationToken(ID, 5), OTHER_ID), undefined);
  });

  it('has one spelling, one length and one version', () => {
    const token = encodeContinuationToken(ID, 5);
    const bytes = Buffer.from(token, 'base64url');
    bytes.writeUInt8(2, 0);
    for (const other of ['', 'x', token.slice(1), `${token}A`, `${token}=`, ` ${token}`, bytes.toString('base64url')]) {
      assert.equal(decodeContinuationToken(other, ID), undefined, other);
    }
  });
});
