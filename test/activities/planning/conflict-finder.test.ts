import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConflictFinder, type Conflict } from '../../../activities/planning/conflict-finder.ts';
import { HashTable } from '../../../activities/planning/hash-table.ts';
import { hashObject } from '../../../activities/planning/object-hash.ts';
import type { LocatedFile } from '../../../contract/locate.ts';

/** What the finder is to find, with the names themselves. */
class NaiveFinder {
  readonly #sources = new Map<string, number>();
  readonly #destinations = new Map<string, number>();

  add({ source, destination }: LocatedFile, position: number, always: boolean): Conflict[] {
    const from = JSON.stringify([source.bucket, source.name]);
    const to = JSON.stringify([destination.bucket, destination.name]);
    const conflicts: Conflict[] = [];
    const note = (kind: 'repeated' | 'overSource' | 'fromDestination', first: number | undefined) => {
      if (first !== undefined) conflicts.push({ kind, first });
    };
    if (from === to) conflicts.push({ kind: 'itself' });
    note('repeated', this.#destinations.get(to));
    if (from !== to) note('overSource', this.#sources.get(to));
    note('fromDestination', this.#destinations.get(from));
    if (conflicts.length === 0 || always) {
      if (!this.#sources.has(from)) this.#sources.set(from, position);
      if (!this.#destinations.has(to)) this.#destinations.set(to, position);
    }
    return conflicts;
  }
}

describe('conflicts within a long list', () => {
  it('are those that comparing all names finds', () => {
    const object = fc.record({
      bucket: fc.constantFrom('one', 'two'),
      name: fc.oneof(fc.constantFrom('a', 'b', 'a/', 'ab', '', '\0', '🗂'), fc.nat(20).map(String)),
    });
    const files = fc.array(fc.record({ source: object, destination: object }), { maxLength: 60 });
    fc.assert(
      fc.property(files, fc.boolean(), (list, always) => {
        const finder = new ConflictFinder();
        const naive = new NaiveFinder();
        assert.deepEqual(
          list.map((file, position) => finder.add(file, position, { always })),
          list.map((file, position) => naive.add(file, position, always)),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('are found among a million files in less than 40 MB', () => {
    const finder = new ConflictFinder();
    const file = (number: number, copy = number): LocatedFile => ({
      source: { bucket: 'originals', name: `some/folder/file-${number}.jpg` },
      destination: { bucket: 'copies', name: `some/folder/file-${copy}.jpg` },
    });
    for (let number = 1; number <= 1_000_000; number += 1) {
      if (finder.add(file(number), number).length > 0) assert.fail(`file ${number} is taken for another one`);
    }
    assert.ok(finder.byteLength < 40_000_000, `${finder.byteLength} bytes`);
    // Neither a table that forgets nor one that is not filled would pass.
    assert.ok(finder.byteLength > 24_000_000, `${finder.byteLength} bytes`);
    assert.deepEqual(finder.add(file(0, 777_777), 0), [{ kind: 'repeated', first: 777_777 }]);
  });
});

describe('a table of hashes', () => {
  it('keeps the first number of each hash, whatever its bits', () => {
    // Few different words, so that many hashes agree in one half, want the same slots, or are 0.
    const word = fc.constantFrom(0, 1, 2, 63, 64, 2 ** 31, 2 ** 32 - 1);
    const entry = fc.record({ high: word, low: word, value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
        const table = new HashTable();
        const expected = new Map<string, number>();
        // The low half 0 is kept as 1: such hashes count as one.
        const key = (high: number, low: number) => `${high} ${low || 1}`;
        for (const { high, low, value } of entries) {
          assert.equal(table.get({ high, low }), expected.get(key(high, low)));
          table.add({ high, low }, value);
          if (!expected.has(key(high, low))) expected.set(key(high, low), value);
        }
        for (const { high, low } of entries) assert.equal(table.get({ high, low }), expected.get(key(high, low)));
      }),
    );
  });

  it('holds as many as come, each with its own number', () => {
    const table = new HashTable();
    const hash = (number: number) => hashObject({ bucket: 'b', name: String(number) });
    for (let number = 0; number < 50_000; number += 1) table.add(hash(number), number);
    for (let number = 0; number < 50_000; number += 1) assert.equal(table.get(hash(number)), number);
    assert.equal(table.get(hash(50_000)), undefined);
  });
});

describe('the hash of an object', () => {
  /** Agreements of two in these bits, among names that differ little. */
  function agreements(
    nameOf: (number: number) => string,
    count: number,
    bitsOf: (hash: { high: number; low: number }) => number,
  ) {
    const hashes = Float64Array.from({ length: count }, (_, number) =>
      bitsOf(hashObject({ bucket: 'b', name: nameOf(number) })),
    );
    return hashes.sort().filter((hash, index) => hash === hashes[index - 1]).length;
  }

  const families: [title: string, nameOf: (number: number) => string][] = [
    ['numbered', (number) => `some/folder/file-${number}.jpg`],
    ['padded', (number) => String(number).padStart(12, '0')],
    ['in many folders', (number) => `x${number % 500}/y${Math.floor(number / 500)}/z`],
    ['of two letters', (number) => number.toString(2).replaceAll('0', 'a').replaceAll('1', 'b')],
  ];
  for (const [title, nameOf] of families) {
    it(`spreads names that are ${title} as chance would`, () => {
      // 200,000 names in 2³² places: chance makes 4.7 agreements; 25 or more come once in 10¹⁰ runs.
      const count = agreements(nameOf, 200_000, ({ high, low }) => (high % 2 ** 16) * 2 ** 16 + (low % 2 ** 16));
      assert.ok(count < 25, `${count} agreements`);
    });
  }
});
