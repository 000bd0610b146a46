/** An object, apart from its name. Small, for there may be millions: its times follow from its generation. */
export interface StoredObject {
  /** Microseconds since the epoch, unique in the server. */
  generation: number;
  /** Bytes. */
  size: number;
  crc32c: number;
  /** Undefined for objects that were made by the thousand: zeros, with no metadata. */
  details: ObjectDetails | undefined;
}

/** What only objects have that were uploaded. */
export interface ObjectDetails {
  contentType: string;
  content: Buffer;
  /** JSON of the custom metadata as a byte text; undefined: none. */
  metadata: string | undefined;
}

const CAPACITY = 256;

/** A run of names in order, with columns beside it. */
class Leaf {
  readonly names: string[] = [];
  readonly #generations = new Float64Array(CAPACITY);
  readonly #sizes = new Float64Array(CAPACITY);
  readonly #checksums = new Uint32Array(CAPACITY);
  readonly #details: (ObjectDetails | undefined)[] = [];

  /** Position of the first name that is not below this one. */
  seek(name: string): number {
    let [low, high] = [0, this.names.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.names[middle] as string) < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(position: number): StoredObject {
    return {
      generation: this.#generations[position] as number,
      size: this.#sizes[position] as number,
      crc32c: this.#checksums[position] as number,
      details: this.#details[position],
    };
  }

  set(position: number, object: StoredObject): void {
    this.#generations[position] = object.generation;
    this.#sizes[position] = object.size;
    this.#checksums[position] = object.crc32c;
    this.#details[position] = object.details;
  }

  insert(position: number, name: string, object: StoredObject): void {
    this.#shift(position, position + 1);
    this.names.splice(position, 0, name);
    this.#details.splice(position, 0, undefined);
    this.set(position, object);
  }

  remove(position: number): void {
    this.#shift(position + 1, position);
    this.names.splice(position, 1);
    this.#details.splice(position, 1);
  }

  #shift(from: number, to: number): void {
    for (const column of [this.#generations, this.#sizes, this.#checksums]) {
      column.copyWithin(to, from, this.names.length);
    }
  }

  /** Moves everything from a position on to a new leaf. */
  split(position: number): Leaf {
    const rest = new Leaf();
    for (let from = position; from < this.names.length; from++) {
      rest.insert(from - position, this.names[from] as string, this.at(from));
    }
    this.names.length = position;
    this.#details.length = position;
    return rest;
  }
}

/** Objects in the order of their names (byte texts), two levels deep: neither a listing nor an insertion sorts anything. */
export class SortedObjects {
  readonly #leaves: Leaf[] = [new Leaf()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: string): StoredObject | undefined {
    const leaf = this.#leaves[this.#leafOf(name)] as Leaf;
    const position = leaf.seek(name);
    return leaf.names[position] === name ? leaf.at(position) : undefined;
  }

  /** Adds an object, or replaces the one of that name. */
  set(name: string, object: StoredObject): void {
    const index = this.#leafOf(name);
    const leaf = this.#leaves[index] as Leaf;
    const position = leaf.seek(name);
    if (leaf.names[position] === name) {
      leaf.set(position, object);
      return;
    }
    this.#size += 1;
    // Part of a request's text would keep the whole of it in memory.
    const ownName = Buffer.from(name, 'latin1').toString('latin1');
    if (leaf.names.length < CAPACITY) {
      leaf.insert(position, ownName, object);
      return;
    }
    // Names mostly come in order, so that the last leaf is best left full.
    const isLast = index === this.#leaves.length - 1;
    const middle = isLast ? Math.max(position - 1, CAPACITY / 2) : CAPACITY / 2;
    const rest = leaf.split(middle);
    this.#leaves.splice(index + 1, 0, rest);
    if (position > middle) rest.insert(position - middle, ownName, object);
    else leaf.insert(position, ownName, object);
  }

  delete(name: string): boolean {
    const index = this.#leafOf(name);
    const leaf = this.#leaves[index] as Leaf;
    const position = leaf.seek(name);
    if (leaf.names[position] !== name) return false;
    leaf.remove(position);
    this.#size -= 1;
    if (leaf.names.length === 0 && this.#leaves.length > 1) this.#leaves.splice(index, 1);
    return true;
  }

  /**
   * Calls back for names from `start` on, in order, until the callback is through: true for the next name, false for no
   * more, a text to go on at the first name that is not below it.
   */
  walk(start: string, visit: (name: string, at: () => StoredObject) => boolean | string): void {
    let index = this.#leafOf(start);
    let position = (this.#leaves[index] as Leaf).seek(start);
    for (;;) {
      const leaf = this.#leaves[index];
      if (leaf === undefined) return;
      const name = leaf.names[position];
      if (name === undefined) {
        index += 1;
        position = 0;
        continue;
      }
      const current = position;
      const next = visit(name, () => leaf.at(current));
      if (next === false) return;
      if (next === true) {
        position += 1;
        continue;
      }
      index = this.#leafOf(next);
      position = (this.#leaves[index] as Leaf).seek(next);
    }
  }

  /** The last leaf whose first name is not above this one. */
  #leafOf(name: string): number {
    let [low, high] = [0, this.#leaves.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const first = (this.#leaves[middle] as Leaf).names[0];
      if (first !== undefined && first <= name) low = middle;
      else high = middle;
    }
    return low;
  }
}
