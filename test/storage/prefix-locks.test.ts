import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobOwner } from '../../contract/messages.ts';
import { lockName } from '../../storage/lock-names.ts';
import type { LockTarget, PrefixRef } from '../../storage/lock-targets.ts';
import type { Lock, LockStore } from '../../storage/locks.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { resetAfter } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';
import { AWKWARD_NAMES } from './object-names.ts';
import { newOwner } from './owners.ts';

describe('prefix locks', () => {
  let storage: TestStorage;
  let locks: LockStore;
  let bucket: string;
  let target: PrefixRef;
  let owner: JobOwner;

  before(async () => {
    storage = await makeTestStorage();
    ({ locks } = storage.connect());
  });

  beforeEach(() => {
    // Of the test's own: what is there is found.
    bucket = `bucket-${randomUUID()}`;
    target = { bucket, prefix: '2026/ü/' };
    owner = newOwner();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const object = (name: string) => ({ bucket, name });
  const under = (prefix: string) => ({ bucket, prefix });

  async function take<Target extends LockTarget>(of: Target, by = owner): Promise<Lock<Target>> {
    const attempt = await locks.acquire(of, by);
    assert.ok(attempt.taken);
    return attempt.lock;
  }

  const found = async (...targets: LockTarget[]) => (await locks.findOverlapping(targets)).map(lockName).sort();
  const names = (...targets: LockTarget[]) => targets.map(lockName).sort();

  it('are all found by their buckets, which are known by the first of them', async () => {
    const [whole, lock] = [await take(under('')), await take(target, newOwner())];
    await take(object('a'));
    assert.deepEqual(
      (await locks.listPrefixes(bucket)).toSorted((one, other) => one.prefix.length - other.prefix.length),
      [whole, lock],
    );
    assert.ok((await Array.fromAsync(locks.listMarkedBuckets())).includes(bucket));
    assert.deepEqual(await locks.listPrefixes(`bucket-${randomUUID()}`), []);
  });

  describe('are taken and given back like those on files:', () => {
    it('taken, naming prefix and owner', async () => {
      const lock = await take(target);
      assert.deepEqual(await locks.read(target), lock);
      assert.deepEqual({ ...lock, ...target, owner }, lock);
      assert.ok(await locks.isHeld(target, lock.generation));
    });

    it('by one at a time, who is told', async () => {
      const lock = await take(target);
      assert.deepEqual(await locks.acquire(target, newOwner()), { taken: false, holder: lock });
      assert.deepEqual(await locks.acquire(target, { ...owner }), { taken: true, lock, isNew: false });
    });

    it('found in place where the answer was lost', async () => {
      storage.proxy.inject({ operation: 'upload', name: lockName(target) }, resetAfter(), { times: 1 });
      await failsAs(locks.acquire(target, owner), 'unavailable');
      await take(target);
      assert.equal(storage.proxy.writes(storage.controlBucket, lockName(target)), 1);
    });

    it('taken over by exactly one of ten contenders', async () => {
      const held = await take(target);
      const taken = await Promise.all(Array.from({ length: 10 }, () => locks.takeOver(held, newOwner())));
      const [winner, ...others] = taken.filter((lock) => lock !== undefined);
      assert.deepEqual(others, []);
      assert.deepEqual(await locks.read(target), winner);
      assert.equal(await locks.release(target, held.generation), false);
      assert.ok(winner !== undefined && (await locks.release(target, winner.generation)));
      assert.equal(await locks.read(target), undefined);
    });

    it('apart from a lock on the file of the same name', async () => {
      const [file, prefix] = [await take(object('a')), await take(under('a'), newOwner())];
      assert.deepEqual([await locks.read(object('a')), await locks.read(under('a'))], [file, prefix]);
    });
  });

  describe('findOverlapping', () => {
    it('finds the prefixes that a file is under, however they end', async () => {
      const covering = ['', 'a', 'a/', 'a/b.t', 'a/b.txt'].map(under);
      for (const prefix of [...covering, under('a/b.txt.gz'), under('b')]) await take(prefix);
      await take({ bucket: 'elsewhere', prefix: 'a' });
      assert.deepEqual(await found(object('a/b.txt')), names(...covering));
    });

    it('finds the files under a prefix, and the prefixes that contain it or are contained', async () => {
      const overlapping = [object('a/'), object('a/b'), object('a/b/c'), under('a/'), under('a'), under('a/b')];
      for (const each of [...overlapping, object('a'), object('b/a/'), under('b/'), under('a0')]) await take(each);
      assert.deepEqual(await found(under('a/')), names(...overlapping));
    });

    it('finds everything in a bucket', async () => {
      const all = [object('a'), object('ü'), under(''), under('z')];
      for (const each of all) await take(each);
      assert.deepEqual(await found(under('')), names(...all));
    });

    it('does not look for locks on the very files asked about', async () => {
      await take(object('a'));
      assert.deepEqual(await found(object('a')), []);
    });

    it('tells what it found, as it was taken', async () => {
      const [file, prefix] = [await take(object('a/b')), await take(under('a/'))];
      const locksFound = await locks.findOverlapping([under('a/b')]);
      assert.equal(locksFound.length, 2);
      assert.deepEqual(
        locksFound.find((lock) => 'name' in lock),
        file,
      );
      assert.deepEqual(
        locksFound.find((lock) => 'prefix' in lock),
        prefix,
      );
    });

    it('asks with one listing a bucket for files, however many; with a read where there never was a prefix lock', async () => {
      const files = Array.from({ length: 20 }, (_, index) => object(`a/${index}`));
      await take(under('a/1'));
      const requests = storage.proxy.requestsFromNow({ bucket: storage.controlBucket });
      assert.deepEqual(await found(...files, { bucket: `${bucket}-2`, name: 'a/1' }), names(under('a/1')));
      assert.deepEqual(
        requests()
          .map(({ operation, query }) => `${operation} ${query['prefix'] ?? ''}`)
          .sort(),
        [`list locks/${bucket}/p/`, 'stat '],
      );
    });

    it('finds each lock once where prefixes overlap', async () => {
      await take(object('a/b/c'));
      assert.deepEqual(await found(under('a/'), under('a/b/')), names(object('a/b/c')));
    });

    it('tells long names apart that are cut at the same place', async () => {
      const long = 'x'.repeat(300);
      const [inside, beside] = [object(`${long}/a`), object(`${long}-a`)];
      for (const each of [inside, beside]) await take(each);
      assert.deepEqual(await found(under(`${long}/`)), names(inside));
      await take(under(`${long}-`));
      assert.deepEqual(await found(inside), []);
      assert.deepEqual(await found(beside), names(under(`${long}-`)));
    });

    for (const [title, name] of AWKWARD_NAMES) {
      it(`finds both ways: ${title}`, async () => {
        // Not within a pair of surrogates: what is no text is no prefix.
        const prefix = Array.from(name).slice(0, -1).join('');
        await take(object(name));
        await take(under(prefix));
        assert.deepEqual(await found(object(name)), names(under(prefix)));
        assert.deepEqual(await found(under(prefix)), names(object(name), under(prefix)));
      });
    }

    it('takes one that does not say what it is on for one on anything', async () => {
      await take(under('z'));
      const { objects } = storage.connect();
      await objects.write({ bucket: storage.controlBucket, name: lockName(under('b')) }, 'made by hand');
      const [lock] = await locks.findOverlapping([object('a')]);
      assert.deepEqual(lock?.owner, { kind: 'manual', who: 'unknown', why: 'unknown' });
    });

    it('fails where storage does', async () => {
      await take(under('z'));
      storage.proxy.inject({ operation: 'list' }, resetAfter());
      await failsAs(locks.findOverlapping([object('a')]), 'unavailable');
    });
  });
});
