import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lockName, objectLocksUnder, prefixLocksIn } from '../../storage/lock-names.ts';
import { AWKWARD_NAMES } from './object-names.ts';

const nameOf = (name: string, bucket = 'bucket') => lockName({ bucket, name });

describe('the name of a lock', () => {
  it('is the name of its object, percent-encoded, under locks/', () => {
    assert.equal(nameOf('folder/a b.txt'), 'locks/bucket/o/folder%2Fa%20b.txt');
  });

  it('is plain ASCII without slashes of its own, and short enough for a file system, whatever the object is called', () => {
    for (const [title, name] of AWKWARD_NAMES) {
      const [, , , last = '', ...more] = nameOf(name).split('/');
      assert.match(last, /^[\w.~!*'()%-]+$/, title);
      assert.deepEqual(more, [], title);
      // 255 bytes are what file systems allow; the emulator adds a dot and a number while it writes.
      assert.ok(last.length <= 255 - 21, `${title}: ${last.length}`);
    }
  });

  it('is another one for every object', () => {
    const long = 'x'.repeat(1_000);
    const names = [
      ...AWKWARD_NAMES.map(([, name]) => name),
      ...Array.from({ length: 1_000 }, () => randomBytes(8).toString('base64')),
      ...Array.from({ length: 1_000 }, (_, index) => `${long}${index}`),
      // Where long names begin: with what is cut off and with what stands for it.
      ...[159, 160, 161, 162, 224, 225, 226].map((length) => 'x'.repeat(length)),
      'a/b',
      'a%2Fb',
    ];
    assert.equal(new Set(names.map((name) => nameOf(name))).size, new Set(names).size);
  });

  it('is another one in another bucket', () => {
    assert.notEqual(nameOf('a', 'one'), nameOf('a', 'two'));
    assert.notEqual(nameOf('a/o/b', 'one'), nameOf('b', 'one/o/a'));
  });

  it('is not what a long name is shortened to', () => {
    const long = 'x'.repeat(500);
    const shortened = nameOf(long).slice('locks/bucket/o/'.length);
    assert.notEqual(nameOf(shortened), nameOf(long));
  });

  it('of objects under a prefix starts the same, as far as it is not cut', () => {
    const prefix = nameOf('2026/ü/');
    for (const rest of ['a', 'ü'.repeat(400), '#?%', 'x'.repeat(1_000)]) {
      assert.ok(nameOf(`2026/ü/${rest}`).startsWith(prefix), rest);
    }
    assert.ok(!nameOf('2026/u/a').startsWith(prefix));
  });

  it('of a prefix stands beside those of objects, in a place of its own', () => {
    assert.equal(lockName({ bucket: 'bucket', prefix: '2026/ü' }), 'locks/bucket/p/2026%2F%C3%BC');
    assert.ok(lockName({ bucket: 'bucket', prefix: 'x'.repeat(1_000) }).startsWith(prefixLocksIn('bucket')));
  });

  it('of the empty prefix is a name, and no other prefix has it', () => {
    assert.equal(lockName({ bucket: 'bucket', prefix: '' }), 'locks/bucket/p/@all');
    assert.notEqual(lockName({ bucket: 'bucket', prefix: '@all' }), lockName({ bucket: 'bucket', prefix: '' }));
  });

  it('of an object under any prefix is found by what they start with', () => {
    for (const [title, name] of AWKWARD_NAMES) {
      const characters = Array.from(name);
      for (const length of [0, 1, 50, 60, 159, 160, 161, 300, characters.length]) {
        const prefix = characters.slice(0, length).join('');
        assert.ok(nameOf(name).startsWith(objectLocksUnder({ bucket: 'bucket', prefix })), `${title}, ${length}`);
      }
    }
  });

  it('stays what it is: locks outlive the version that made them', () => {
    const sha256 = '8ca9bfd43d61bf0ab214f1b75fb137479da5ed86dd0ab570d4fa70eb1594c268';
    assert.equal(nameOf('y'.repeat(200)), `locks/bucket/o/${'y'.repeat(160)}~${sha256}`);
  });
});
