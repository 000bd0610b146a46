import assert from 'node:assert/strict';
import {
  addCounts,
  countFile,
  emptyCounts,
  endStateOf,
  FILE_STATES,
  isEndState,
  isFinalFileState,
  JOB_STATES,
  type FinalFileState,
  type JobCounts,
} from '../../contract/states.ts';

function countsOf(...states: FinalFileState[]): JobCounts {
  const counts = emptyCounts(states.length);
  for (const state of states) countFile(counts, state, 5);
  return counts;
}

describe('states', () => {
  it('are those of the contract', () => {
    assert.deepEqual(FILE_STATES, ['Requested', 'Processing', 'Completed', 'Skipped', 'Failed', 'Cancelled']);
    assert.deepEqual(new Set(JOB_STATES).size, 10);
    assert.deepEqual(
      JOB_STATES.filter((state) => !isEndState(state)),
      ['Requested', 'Processing', 'Paused', 'Cancelling'],
    );
    assert.deepEqual(JOB_STATES.filter(isEndState), [
      'Completed',
      'CompletedWithErrors',
      'Failed',
      'Cancelled',
      'Terminated',
      'Rejected',
    ]);
    assert.deepEqual(FILE_STATES.filter(isFinalFileState), ['Completed', 'Skipped', 'Failed', 'Cancelled']);
  });

  it('of files are counted, and bytes are those of copied files', () => {
    assert.deepEqual(emptyCounts(3), {
      requested: 3,
      completed: 0,
      skipped: 0,
      failed: 0,
      cancelled: 0,
      pending: 3,
      bytes: 0,
    });
    const counts = emptyCounts(5);
    countFile(counts, 'Completed', 7);
    countFile(counts, 'Skipped', 7);
    countFile(counts, 'Failed', 7);
    countFile(counts, 'Cancelled', 7);
    assert.deepEqual(counts, {
      requested: 5,
      completed: 1,
      skipped: 1,
      failed: 1,
      cancelled: 1,
      pending: 1,
      bytes: 7,
    });
  });

  it('of many files are counted at once', () => {
    const counts = countsOf('Completed', 'Skipped', 'Failed', 'Cancelled');
    const more = { count: 10, completed: 1, skipped: 2, failed: 3, cancelled: 4, bytes: 7 };
    counts.requested += 11;
    counts.pending += 11;
    addCounts(counts, more);
    assert.deepEqual(counts, {
      requested: 15,
      completed: 2,
      skipped: 3,
      failed: 4,
      cancelled: 5,
      pending: 1,
      bytes: 12,
    });
  });

  for (const [state, files] of [
    ['Completed', []],
    ['Completed', ['Completed', 'Completed']],
    ['Completed', ['Completed', 'Skipped']],
    ['Completed', ['Skipped']],
    ['CompletedWithErrors', ['Completed', 'Failed']],
    ['CompletedWithErrors', ['Skipped', 'Failed', 'Failed']],
    ['Failed', ['Failed']],
    ['Failed', ['Failed', 'Failed']],
    ['Cancelled', ['Cancelled']],
    ['Cancelled', ['Completed', 'Cancelled']],
    ['Cancelled', ['Failed', 'Cancelled']],
  ] satisfies [string, FinalFileState[]][]) {
    it(`make a job ${state} whose files are ${files.join(', ') || 'none'}`, () => {
      assert.equal(endStateOf(countsOf(...files)), state);
    });
  }
});
