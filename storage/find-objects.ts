import { utf8Length } from '../contract/file-name.ts';
import { MAX_OBJECT_NAME_BYTES } from '../contract/limits.ts';
import { isStorageError, type StorageError } from './errors.ts';
import { compareNames } from './name-order.ts';
import { toObjectInfo, type ListedPage, type ObjectInfo, type ObjectStore } from './objects.ts';

/** What was found under a name; an error that is not passing belongs to its object, undefined: there is none. */
export type FoundObject = ObjectInfo | StorageError | undefined;

/** Up to so many names are read one by one: a listing may give a thousand others between them. */
const READ_ONE_BY_ONE_UP_TO = 4;

/** A page of a listing costs about as much as so many reads, so it is to tell of more names than that. */
const WORTHWHILE_NAMES = 16;

/** After so many pages in a row that were not worth it, what is left is read one by one. */
const POOR_PAGES = 2;

const READS_AT_A_TIME = 32;

/**
 * Looks many objects of a bucket up, and gives what is there by name. Names that lie close together are found by listing
 * the range they span, a request for a thousand of them; where the range holds far more than is asked for, gaps are
 * skipped, and what is left is read one by one. Throws StorageError where the failure is passing.
 */
export async function findObjects(
  objects: ObjectStore,
  bucket: string,
  names: readonly string[],
): Promise<Map<string, FoundObject>> {
  const found = new Map<string, FoundObject>();
  for (const name of names) found.set(name, undefined);
  const sorted = [...found.keys()].sort(compareNames);
  const rest = sorted.length > READ_ONE_BY_ONE_UP_TO ? await findByListing(objects, bucket, sorted, found) : sorted;
  await readEach(objects, bucket, rest, found);
  return found;
}

/** Fills in what pages of the range tell; gives the names that are left to be read. */
async function findByListing(
  objects: ObjectStore,
  bucket: string,
  sorted: readonly string[],
  found: Map<string, FoundObject>,
): Promise<readonly string[]> {
  const endOffset = justAfter(sorted.at(-1) ?? '');
  let next = 0;
  for (let poorPages = 0; poorPages < POOR_PAGES;) {
    let page: ListedPage | undefined;
    try {
      page = await objects.listPage({ bucket, startOffset: sorted[next], endOffset });
    } catch (error) {
      // Who may not list may still read.
      if (isStorageError(error) && !error.isTransient) return sorted.slice(next);
      throw error;
    }
    // No such bucket, by this answer; what is written over rests on it, so that each object is asked for all the same.
    if (page === undefined) return sorted.slice(next);
    for (const resource of page.resources) {
      const { name = '' } = resource;
      if (found.has(name)) found.set(name, toObjectInfo(resource, { bucket, name }));
    }
    const last = page.resources.at(-1)?.name;
    if (page.isLast || last === undefined) return [];
    const before = next;
    while (next < sorted.length && compareNames(sorted[next] ?? '', last) <= 0) next += 1;
    if (next === sorted.length) return [];
    poorPages = next - before < WORTHWHILE_NAMES ? poorPages + 1 : 0;
  }
  return sorted.slice(next);
}

/**
 * The end of a range that includes this name and next to nothing after it; undefined where that would be no valid name,
 * so that the range stays open.
 */
function justAfter(name: string): string | undefined {
  return utf8Length(name) < MAX_OBJECT_NAME_BYTES ? `${name} ` : undefined;
}

async function readEach(
  objects: ObjectStore,
  bucket: string,
  names: readonly string[],
  found: Map<string, FoundObject>,
): Promise<void> {
  let next = 0;
  const reader = async () => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      try {
        found.set(name, await objects.stat({ bucket, name }));
      } catch (error) {
        if (!isStorageError(error) || error.isTransient) {
          next = names.length;
          throw error;
        }
        found.set(name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AT_A_TIME, names.length) }, reader));
}
