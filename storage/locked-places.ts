import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isStorageError } from './errors.ts';
import { lockedPlacesName } from './job-paths.ts';
import type { LockTarget } from './lock-targets.ts';
import { fromLines, NDJSON, toLines } from './ndjson.ts';
import type { ObjectRef, ObjectStore } from './objects.ts';

/** Places that this process has in mind, of all jobs together, some 20 MB: each chunk of a job asks for them. */
const MOST_REMEMBERED = 100_000;

/**
 * What others held when a job was admitted that does without it: objects and prefixes, as
 * `jobs/{correlationId}/locked/{SHA-256 of them}.ndjson` in the control bucket. There may be any number of them, so they
 * travel by name. Of several attempts to admit a job each keeps what it has seen, and none replaces another one's. Every
 * method throws StorageError.
 */
export class LockedPlaceStore {
  readonly #objects: ObjectStore;
  readonly #bucket: string;
  readonly #remembered = new LRUCache<string, readonly LockTarget[]>({
    maxSize: MOST_REMEMBERED,
    // A list that is longer is remembered all the same, and no other beside it.
    sizeCalculation: (places) => Math.min(places.length + 1, MOST_REMEMBERED),
  });

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  #ref(correlationId: string, name: string): ObjectRef {
    return { bucket: this.#bucket, name: lockedPlacesName(correlationId, name) };
  }

  /** Keeps these places, and gives the name to read them by. */
  async keep(correlationId: string, places: readonly LockTarget[]): Promise<string> {
    const lines = toLines(places);
    const name = createHash('sha256').update(lines).digest('hex');
    const ref = this.#ref(correlationId, name);
    try {
      await this.#objects.write(ref, lines, { ifGenerationMatch: '0', contentType: NDJSON });
    } catch (error) {
      // The very same is there already.
      if (!isStorageError(error, 'preconditionFailed')) throw error;
    }
    this.#remembered.set(ref.name, places);
    return name;
  }

  /** The places that were kept under a name; undefined: there are none. */
  async read(correlationId: string, name: string): Promise<readonly LockTarget[] | undefined> {
    const ref = this.#ref(correlationId, name);
    const known = this.#remembered.get(ref.name);
    if (known !== undefined) return known;
    const text = await this.#objects.readText(ref);
    if (text === undefined) return undefined;
    const places = fromLines<LockTarget>(ref.name, text);
    this.#remembered.set(ref.name, places);
    return places;
  }
}
