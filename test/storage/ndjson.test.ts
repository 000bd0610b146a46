import assert from 'node:assert/strict';
import { StorageError } from '../../storage/errors.ts';
import { fromLines, toLines } from '../../storage/ndjson.ts';

describe('records as lines', () => {
  it('come back as they were, in their order', () => {
    const records = [
      { index: 0, fileName: 'of\ntwo "lines" 🗂' },
      { index: 1, list: [null, 1.5, { deep: 'ü\u2028' }] },
    ];
    const text = toLines(records);
    assert.equal(text.match(/\n/g)?.length, 2);
    assert.deepEqual(fromLines('any', text), records);
  });

  it('may be none, and may end without a line feed', () => {
    assert.equal(toLines([]), '');
    assert.deepEqual(fromLines('any', ''), []);
    assert.deepEqual(fromLines('any', '{"index":0}\n\n{"index":1}'), [{ index: 0 }, { index: 1 }]);
  });

  it('of which one is no JSON are a failure that names their object', () => {
    for (const line of ['{"ind', 'nonsense', '{}{}']) {
      assert.throws(
        () => fromLines('jobs/7/results/000000.ndjson', `{"index":0}\n${line}\n`),
        (error) =>
          error instanceof StorageError &&
          error.kind === 'malformed' &&
          error.message === 'jobs/7/results/000000.ndjson has a line that is no JSON',
        line,
      );
    }
  });
});
