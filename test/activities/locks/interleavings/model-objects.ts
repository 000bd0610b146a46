import { StorageError } from '../../../../storage/errors.ts';
import type { LockObjects } from '../../../../storage/locks.ts';
import type { ListRange, ObjectInfo, ObjectRef } from '../../../../storage/objects.ts';

/** Objects of a listing that one request gives: few, so that others act between two pages. */
const PAGE = 2;

type WriteOptions = Parameters<LockObjects['write']>[2];

/** What Cloud Storage promises of the objects in one bucket, without time passing in any of it. */
export class ModelBucket {
  readonly #objects = new Map<string, ObjectInfo>();
  readonly #now: () => number;
  #generations = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get all(): ObjectInfo[] {
    return [...this.#objects.values()];
  }

  get(name: string): ObjectInfo | undefined {
    return this.#objects.get(name);
  }

  put({ bucket, name }: ObjectRef, { ifGenerationMatch, metadata = {} }: NonNullable<WriteOptions> = {}): ObjectInfo {
    const current = this.#objects.get(name)?.generation ?? '0';
    if (ifGenerationMatch !== undefined && ifGenerationMatch !== current) {
      throw new StorageError('preconditionFailed', 'another generation');
    }
    const generation = String((this.#generations += 1));
    const info = { bucket, name, generation, size: 0, crc32c: undefined, createdAt: this.#now(), metadata };
    this.#objects.set(name, info);
    return info;
  }

  remove(name: string, ifGenerationMatch: string | undefined): boolean {
    const current = this.#objects.get(name)?.generation;
    if (current === undefined || (ifGenerationMatch !== undefined && ifGenerationMatch !== current)) return false;
    return this.#objects.delete(name);
  }

  /** The next names of a range after one; names are ASCII. */
  page({ prefix = '', startOffset = '', endOffset }: ListRange, after: string): ObjectInfo[] {
    const isNext = (name: string) =>
      name.startsWith(prefix) && name > after && name >= startOffset && (endOffset === undefined || name < endOffset);
    const names = [...this.#objects.keys()].filter(isNext).sort().slice(0, PAGE);
    return names.map((name) => this.#objects.get(name)!);
  }
}

/** Carries one request out: when, whether it gets there, and whether its answer comes back. */
export type Wire = <T>(label: string, carryOut: () => T) => Promise<T>;

/** The bucket as one job sees it: each request goes over its wire. */
export function objectsOver(wire: Wire, model: ModelBucket): LockObjects {
  return {
    stat: ({ name }) => wire(`stat ${name}`, () => model.get(name)),
    write: (ref, _content, options) => wire(`write ${ref.name}`, () => model.put(ref, options)),
    remove: ({ name }, generation) => wire(`remove ${name}`, () => model.remove(name, generation)),
    async *list(range) {
      let after = '';
      for (;;) {
        const page = await wire(`list ${range.prefix ?? ''} ${after}`, () => model.page(range, after));
        yield* page;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return;
        after = last.name;
      }
    },
  };
}
