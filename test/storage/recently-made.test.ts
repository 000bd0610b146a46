import assert from 'node:assert/strict';
import { RecentlyMade } from '../../storage/recently-made.ts';

describe('what was made recently', () => {
  it('is had once', () => {
    const made = new RecentlyMade<string>({ most: 2, forMs: 60_000 });
    made.keep('a', 'first');
    assert.equal(made.take('b'), undefined);
    assert.equal(made.take('a'), 'first');
    assert.equal(made.take('a'), undefined);
  });

  it('is what was made first, where there is more than is kept', () => {
    const made = new RecentlyMade<number>({ most: 2, forMs: 60_000 });
    for (const [index, key] of ['a', 'b', 'c'].entries()) made.keep(key, index);
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => made.take(key)),
      [0, 1, undefined],
    );
    made.keep('d', 3);
    assert.equal(made.take('d'), 3);
  });

  it('is forgotten after some time, and makes room then', () => {
    const made = new RecentlyMade<number>({ most: 1, forMs: 0 });
    made.keep('a', 1);
    assert.equal(made.take('a'), undefined);
    made.keep('a', 1);
    made.keep('b', 2);
    assert.deepEqual([made.take('a'), made.take('b')], [undefined, undefined]);
  });
});
