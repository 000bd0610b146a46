import assert from 'node:assert/strict';
import { isReasonCode, isRetryable, reason, REASONS, type ReasonCode } from '../../contract/reasons.ts';

/** What has been published: callers branch on it. New codes may be added, these stay. */
const PUBLISHED = {
  retried: ['SOURCE_CHANGED', 'STORAGE_RATE_LIMITED', 'STORAGE_UNAVAILABLE', 'WORKER_LOST'],
  final: [
    'SOURCE_NOT_FOUND',
    'DESTINATION_NOT_FOUND',
    'DESTINATION_EXISTS',
    'DESTINATION_UNCHANGED',
    'DESTINATION_CHANGED',
    'CHECKSUM_MISMATCH',
    'RETENTION_POLICY',
    'REQUESTER_PAYS',
    'STORAGE_FORBIDDEN',
    'STORAGE_REFUSED',
    'LOCK_LOST',
    'FILE_LOCKED',
    'ACCESS_DENIED',
    'INVALID_REQUEST',
    'CANCELLED',
    'TERMINATED',
    'INTERNAL_ERROR',
  ],
} satisfies Record<string, ReasonCode[]>;

describe('reason codes', () => {
  it('that were published are never renamed, and stay as retryable as they are', () => {
    for (const code of PUBLISHED.retried) assert.equal(isRetryable(code), true, code);
    for (const code of PUBLISHED.final) assert.equal(isRetryable(code), false, code);
  });

  it('have each a meaning of its own, written as sentences', () => {
    const meanings = Object.values(REASONS).map(({ meaning }) => meaning);
    assert.equal(new Set(meanings).size, meanings.length);
    for (const meaning of meanings) assert.match(meaning, /^[A-Z][^\n]*\.$/);
  });

  it('are written in capitals before a colon and a sentence', () => {
    for (const code of Object.keys(REASONS) as ReasonCode[]) {
      assert.match(reason(code, 'because of this'), /^[A-Z]+(?:_[A-Z]+)*: because of this$/);
    }
  });

  it('are a closed list', () => {
    for (const text of ['SOMETHING', '', 'toString', '__proto__', 'cancelled']) assert.equal(isReasonCode(text), false);
    assert.equal(isReasonCode('CANCELLED'), true);
  });
});
