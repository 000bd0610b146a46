import type { LocatedFile } from '../../contract/locate.ts';
import { HashTable } from './hash-table.ts';
import { hashObject } from './object-hash.ts';

/** How a file stands against those before it, which are told by their positions. */
export type Conflict =
  /** Its destination is its source. */
  | { kind: 'itself' }
  /** Its destination is that of an earlier file. */
  | { kind: 'repeated'; first: number }
  /** Its destination is an earlier file's source. */
  | { kind: 'overSource'; first: number }
  /** Its source is an earlier file's destination. */
  | { kind: 'fromDestination'; first: number };

/**
 * Finds files of one list that get into each other's way, on bucket and object since collections may overlap. It holds
 * hashes only: for a million files whose names all differ, less than 40 MB.
 */
export class ConflictFinder {
  readonly #sources = new HashTable();
  readonly #destinations = new HashTable();

  /** Bytes that the files so far take. */
  get byteLength(): number {
    return this.#sources.byteLength + this.#destinations.byteLength;
  }

  /**
   * What is wrong with a file beside those before it. `position`: what later files are to call it. One that is in the
   * way is itself remembered only where `always` says so; it is not copied, so later files may do as if it was not there.
   */
  add({ source, destination }: LocatedFile, position: number, { always = false } = {}): Conflict[] {
    const from = hashObject(source);
    const to = hashObject(destination);
    const conflicts: Conflict[] = [];
    const isItself = source.bucket === destination.bucket && source.name === destination.name;
    if (isItself) conflicts.push({ kind: 'itself' });
    const repeated = this.#destinations.get(to);
    if (repeated !== undefined) conflicts.push({ kind: 'repeated', first: repeated });
    const read = isItself ? undefined : this.#sources.get(to);
    if (read !== undefined) conflicts.push({ kind: 'overSource', first: read });
    const written = this.#destinations.get(from);
    if (written !== undefined) conflicts.push({ kind: 'fromDestination', first: written });
    if (conflicts.length === 0 || always) {
      this.#sources.add(from, position);
      this.#destinations.add(to, position);
    }
    return conflicts;
  }
}
