import assert from 'node:assert/strict';
import { overlap, targetKey, type LockTarget } from '../../storage/lock-targets.ts';

const object = (name: string, bucket = 'bucket') => ({ bucket, name });
const under = (prefix: string, bucket = 'bucket') => ({ bucket, prefix });

describe('targets of locks', () => {
  const cases: [string, LockTarget, LockTarget, boolean][] = [
    ['the same object', object('a'), object('a'), true],
    ['two objects', object('a'), object('ab'), false],
    ['an object under a folder', object('a/b'), under('a/'), true],
    ['an object under a prefix that ends within its name', object('a/bcd'), under('a/bc'), true],
    ['an object whose name is the prefix', object('a/'), under('a/'), true],
    ['an object whose name is the beginning of the prefix', object('a'), under('a/'), false],
    ['an object beside the prefix', object('b/a/'), under('a/'), false],
    ['any object and the whole bucket', object('ü/✋'), under(''), true],
    ['the same prefix', under('a/'), under('a/'), true],
    ['a prefix and a longer one', under('a'), under('a/b'), true],
    ['any prefix and the whole bucket', under('a'), under(''), true],
    ['two prefixes side by side', under('a/b'), under('a/c'), false],
    ['the whole of two buckets', under('', 'one'), under('', 'two'), false],
    ['an object, and the same prefix elsewhere', object('a', 'one'), under('a', 'two'), false],
  ];
  for (const [title, one, other, expected] of cases) {
    it(`${expected ? 'overlap' : 'do not overlap'}: ${title}`, () => {
      assert.equal(overlap(one, other), expected);
      assert.equal(overlap(other, one), expected);
    });
  }

  it('have a key each, objects and prefixes apart', () => {
    const targets = [object('a'), under('a'), object(''), under(''), object('p'), object('a', 'other')];
    assert.equal(new Set(targets.map(targetKey)).size, targets.length);
  });
});
