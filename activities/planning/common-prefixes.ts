import type { CollectionLocation } from '../../contract/messages.ts';
import type { PrefixRef } from '../../storage/lock-targets.ts';

/** What the names of many files have in common, collection by collection. */
export class CommonPrefixes {
  readonly #byCollection = new Map<string, { collection: CollectionLocation; common: string }>();

  add(collection: CollectionLocation, fileName: string): void {
    const known = this.#byCollection.get(collection.collectionId);
    if (known === undefined) this.#byCollection.set(collection.collectionId, { collection, common: fileName });
    else if (!fileName.startsWith(known.common)) known.common = commonStart(known.common, fileName);
  }

  /**
   * Prefixes of objects that all files are under: per collection the longest one that ends with a slash, or the
   * collection's own. None is under another one.
   */
  prefixes(): PrefixRef[] {
    const all = Array.from(this.#byCollection.values(), ({ collection: { bucket, prefix }, common }) => ({
      bucket,
      prefix: prefix + common.slice(0, common.lastIndexOf('/') + 1),
    }));
    const distinct = [...new Map(all.map((ref) => [`${ref.bucket}\n${ref.prefix}`, ref])).values()];
    return distinct.filter((ref) => !distinct.some((other) => other !== ref && isUnder(ref, other)));
  }
}

function isUnder(one: PrefixRef, other: PrefixRef): boolean {
  return one.bucket === other.bucket && one.prefix.startsWith(other.prefix);
}

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
