import assert from 'node:assert/strict';
import {
  foretoldCopy,
  foretoldFailure,
  foretoldReplacement,
  foretoldSkip,
  isForetold,
  verdictOf,
} from '../../contract/dry-run.ts';

describe('what a dry run says of a file', () => {
  it('is the same words as ever, which stand in stored messages, and is read as it was meant', () => {
    for (const [message, words, verdict] of [
      [foretoldCopy(7), 'DRY_RUN: would be copied, 7 bytes', 'copied'],
      [foretoldReplacement(7), 'DRY_RUN: would replace the destination, 7 bytes', 'replaced'],
      [foretoldSkip('DESTINATION_EXISTS'), 'DRY_RUN: would be skipped: DESTINATION_EXISTS', 'skipped'],
      [foretoldFailure('SOURCE_NOT_FOUND'), 'DRY_RUN: would fail: SOURCE_NOT_FOUND', 'failed'],
    ] as const) {
      assert.equal(message, words);
      assert.equal(verdictOf(message), verdict);
      assert.equal(isForetold(message), true);
    }
  });

  it('is nothing that other messages say', () => {
    for (const message of ['', 'would be copied, 7 bytes', 'SOURCE_NOT_FOUND: DRY_RUN: would fail: x']) {
      assert.equal(verdictOf(message), undefined);
      assert.equal(isForetold(message), false);
    }
    assert.equal(verdictOf('DRY_RUN: nobody knows'), undefined);
  });
});
