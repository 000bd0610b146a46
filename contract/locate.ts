import type { CollectionLocation, FileEntry } from './messages.ts';

/** Where a file's source and destination objects are. */
export interface LocatedFile {
  source: { bucket: string; name: string };
  destination: { bucket: string; name: string };
}

/** Collections by their id. */
export type CollectionIndex = ReadonlyMap<string, CollectionLocation>;

export function indexCollections(collections: readonly CollectionLocation[]): CollectionIndex {
  return new Map(collections.map((collection) => [collection.collectionId, collection]));
}

/** Finds the objects an entry speaks of. Throws where a collection is not among those of the admission. */
export function locate(entry: FileEntry, collections: CollectionIndex): LocatedFile {
  return {
    source: place(entry.sourceCollectionId, entry.fileName, collections),
    destination: place(entry.destinationCollectionId, entry.destinationFileName, collections),
  };
}

function place(collectionId: string, fileName: string, collections: CollectionIndex) {
  const collection = collections.get(collectionId);
  if (collection === undefined) throw new Error(`collection ${collectionId} was not part of the admission`);
  return objectIn(collection, fileName);
}

/** The object that a file of a collection is. */
export function objectIn({ bucket, prefix }: CollectionLocation, fileName: string): { bucket: string; name: string } {
  return { bucket, name: prefix + fileName };
}
