import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isStorageError } from '../../storage/errors.ts';
import { findObjects } from '../../storage/find-objects.ts';
import { compareNames } from '../../storage/name-order.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, inPagesOf } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';
import { AWKWARD_NAMES } from './object-names.ts';

describe('looking up many objects', () => {
  let test: TestStorage;
  let prefix: string;

  before(async () => {
    test = await makeTestStorage();
  });

  beforeEach(() => {
    prefix = `${randomUUID()}/`;
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const numbered = (count: number, step = 1) =>
    Array.from({ length: count }, (_, index) => `${prefix}${String(index * step).padStart(4, '0')}`);

  async function put(names: readonly string[]): Promise<void> {
    for (const name of names) await test.emulator.putObject(test.sourceBucket, name, name);
  }

  const find = (names: readonly string[]) => findObjects(test.connect().objects, test.sourceBucket, names);

  /** Requests that this test sent. */
  function sent(operation: 'list' | 'stat'): number {
    return test.proxy.requests(
      (request) => request.operation === operation && (request.query['startOffset'] ?? request.name).startsWith(prefix),
    ).length;
  }

  it('tells of each what a read tells, but for custom metadata', async () => {
    const names = numbered(6);
    await put(names.slice(0, 5));
    const found = await find(names);
    assert.deepEqual([...found.keys()], names);
    for (const name of names) {
      assert.deepEqual(found.get(name), await test.connect().objects.stat({ bucket: test.sourceBucket, name }));
    }
    assert.equal(found.get(names[5] ?? ''), undefined);
    assert.equal(sent('list'), 1);
  });

  it('reads a few one by one', async () => {
    const names = numbered(4);
    await put(names);
    assert.ok([...(await find(names)).values()].every((object) => object !== undefined));
    assert.deepEqual([sent('list'), sent('stat')], [0, 4]);
  });

  it('asks nothing about nothing', async () => {
    assert.equal((await find([])).size, 0);
  });

  it('goes from page to page', async () => {
    const names = numbered(50);
    await put(names);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(20));
    assert.ok([...(await find(names)).values()].every((object) => object !== undefined));
    assert.deepEqual([sent('list'), sent('stat')], [3, 0]);
  });

  it('skips what lies between names far from each other', async () => {
    const names = numbered(60);
    await put(names);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(20));
    const asked = [...names.slice(0, 17), ...names.slice(43)];
    const found = await find(asked);
    assert.ok([...found.values()].every((object) => object !== undefined));
    assert.deepEqual([found.size, sent('list'), sent('stat')], [34, 2, 0]);
  });

  it('reads one by one what lies too far apart', async () => {
    const names = numbered(60);
    await put(names);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(10));
    const asked = names.filter((_, index) => index % 5 === 0);
    assert.ok([...(await find(asked)).values()].every((object) => object !== undefined));
    assert.deepEqual([sent('list'), sent('stat')], [2, 8]);
  });

  it('finds awkward names, sorted as storage sorts them', async () => {
    const fits = AWKWARD_NAMES.map(([, name]) => name).filter((name) => Buffer.byteLength(prefix + name) <= 1_024);
    const names = [...fits, '\ufb01', '\ufffd', '\u{1f5c2}', '\u{10ffff}', '~'].map((name) => prefix + name);
    await put(names);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(20));
    assert.ok([...(await find(names)).values()].every((object) => object !== undefined));
  });

  it('finds the longest names, after which a range cannot end', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `${prefix}${index}`.padEnd(1_024, 'x'));
    await put(names);
    assert.ok([...(await find(names)).values()].every((object) => object !== undefined));
  });

  it('finds nothing in a bucket that does not exist', async () => {
    const found = await findObjects(test.connect().objects, 'no-such-bucket', numbered(6));
    assert.ok([...found.values()].every((object) => object === undefined));
  });

  it('reads each where its bucket is said not to exist: what is written over rests on it', async () => {
    const names = numbered(6);
    await put(names.slice(0, 5));
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(404));
    const found = await find(names);
    assert.deepEqual(
      names.filter((name) => found.get(name) !== undefined),
      names.slice(0, 5),
    );
    assert.equal(sent('stat'), 6);
  });

  it('reads where it may not list, and tells which it may not read', async () => {
    const names = numbered(6);
    await put(names);
    const refused = answerError(403, { reason: 'forbidden' });
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, refused);
    test.proxy.inject({ operation: 'stat', name: names[1] ?? '' }, refused);
    const found = await find(names);
    assert.ok(isStorageError(found.get(names[1] ?? ''), 'forbidden'));
    assert.ok(!isStorageError(found.get(names[2] ?? '')));
  });

  it('fails where storage does not answer', async () => {
    const names = numbered(6);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(503), { times: 1 });
    await failsAs(find(names), 'unavailable');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(403, { reason: 'forbidden' }));
    test.proxy.inject({ operation: 'stat', name: names[1] ?? '' }, answerError(503), { times: 1 });
    await failsAs(find(names), 'unavailable');
  });
});

describe('the order of names', () => {
  it('is that of their bytes in UTF-8', () => {
    const units = ['', '\u0001', ' ', 'a', '~', '\u007f', '\u00e9', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff'];
    const names = [...units, '\u{10000}', '\u{1f5c2}', '\u{10ffff}'].flatMap((unit) =>
      ['', 'a', '\ufb01', '\u{1f5c2}'].flatMap((rest) => [unit + rest, rest + unit]),
    );
    for (const one of names) {
      for (const other of names) {
        const expected = Buffer.compare(Buffer.from(one), Buffer.from(other));
        assert.equal(Math.sign(compareNames(one, other)), expected, JSON.stringify([one, other]));
      }
    }
  });
});
