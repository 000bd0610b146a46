import type { Hash64 } from './object-hash.ts';

/** Parts that grow one by one, so that growing never takes twice the memory. */
const SHARDS = 64;
const FIRST_SLOTS = 16;

/** How full a shard may be: past it, chains of taken slots become long. */
const MAX_LOAD = 0.8;
const GROWTH = 1.2;

/**
 * Numbers by 64-bit hashes, in typed arrays: 12 bytes an entry and at most half as much again, where a Map of strings
 * takes some 200. Entries are never taken out.
 */
export class HashTable {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());

  /** Bytes that all entries take. */
  get byteLength(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  }

  get({ high, low }: Hash64): number | undefined {
    return this.#shardOf(high).get(high, low);
  }

  /** Keeps a number from 0 to 2³² - 1, unless there is one for this hash already: the first one stays. */
  add({ high, low }: Hash64, value: number): void {
    this.#shardOf(high).add(high, low, value);
  }

  #shardOf(high: number): Shard {
    return this.#shards[high % SHARDS] as Shard;
  }
}

/** Words of 32 bits in a slot: both halves of the hash, and the number. */
const WORDS = 3;

/** Open addressing: an entry stands in the first free slot from the one its hash names. */
class Shard {
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #entries = 0;

  get byteLength(): number {
    return this.#words.byteLength;
  }

  get(high: number, low: number): number | undefined {
    const at = this.#find(high, low || 1);
    return this.#words[at + 1] === 0 ? undefined : this.#words[at + 2];
  }

  add(high: number, low: number, value: number): void {
    const at = this.#find(high, low || 1);
    if (this.#words[at + 1] !== 0) return;
    this.#words[at] = high;
    this.#words[at + 1] = low || 1;
    this.#words[at + 2] = value;
    this.#entries += 1;
    if (this.#entries > this.#slots * MAX_LOAD) this.#grow();
  }

  /** Where the slot of a hash begins, or the free one it would take. A free slot has 0 as its low half; no hash has. */
  #find(high: number, low: number): number {
    let slot = Math.floor((low / 2 ** 32) * this.#slots);
    for (;;) {
      const at = slot * WORDS;
      const found = this.#words[at + 1];
      if (found === 0 || (found === low && this.#words[at] === high)) return at;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#slots = Math.ceil(this.#slots * GROWTH);
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      const [high = 0, low = 0, value = 0] = [old[from], old[from + 1], old[from + 2]];
      if (low === 0) continue;
      const to = this.#find(high, low);
      this.#words[to] = high;
      this.#words[to + 1] = low;
      this.#words[to + 2] = value;
    }
  }
}
