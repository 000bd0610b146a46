import { collectionIdProblem } from '../../contract/collection-id.ts';
import { prefixProblem } from '../../contract/file-name.ts';
import type { CollectionCatalogue, CollectionDocument } from '../../storage/collections.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { ObjectStore } from '../../storage/objects.ts';
import { inOneLine } from '../text.ts';

/** What is wrong with a collection as it is described, or undefined where nothing is. */
export function documentProblem(document: CollectionDocument, controlBucket: string): string | undefined {
  const id = collectionIdProblem(document.collectionId);
  if (id !== undefined) return `the id ${id}`;
  const prefix = prefixProblem(document.prefix);
  if (prefix !== undefined) return `the prefix ${prefix}`;
  if (document.bucket === controlBucket) return 'the bucket must not be the control bucket';
  if (Object.values(document.acl).flat().includes('')) return 'the access list must not name an empty principal';
  return undefined;
}

/** A collection that was looked at: as its document says, with what is wrong with it. */
export interface CheckedCollection {
  collectionId: string;
  collection: CollectionDocument | null;
  /** Empty where it can be used. */
  problems: string[];
}

/** Reads a collection's document, without a look at its bucket. Throws StorageError. */
export async function readCollection(
  collections: CollectionCatalogue,
  collectionId: string,
): Promise<CheckedCollection> {
  const lookup = await collections.find(collectionId);
  if (!lookup.found) return { collectionId, collection: null, problems: [lookup.problem] };
  const { generation: _, ...collection } = lookup.collection;
  return { collectionId, collection, problems: [] };
}

/** Reads a collection's document and looks whether its bucket can be listed. Throws StorageError. */
export async function checkCollection(
  {
    collections,
    objects,
    controlBucket,
  }: { collections: CollectionCatalogue; objects: ObjectStore; controlBucket: string },
  collectionId: string,
): Promise<CheckedCollection> {
  const checked = await readCollection(collections, collectionId);
  const { collection } = checked;
  if (collection === null) return checked;
  const found = [
    documentProblem(collection, controlBucket),
    await bucketProblem(objects, collection),
    aclProblem(collection),
  ];
  return { ...checked, problems: found.filter((problem) => problem !== undefined) };
}

/** Whether storage says that there is no such bucket. Throws StorageError where it does not answer. */
export async function isBucketMissing(objects: ObjectStore, bucket: string): Promise<boolean> {
  try {
    return (await objects.listPage({ bucket, prefix: '' })) === undefined;
  } catch (error) {
    if (!isStorageError(error) || error.isTransient) throw error;
    // A bucket that may not be listed from here is there.
    return false;
  }
}

async function bucketProblem(
  objects: ObjectStore,
  { bucket, prefix }: CollectionDocument,
): Promise<string | undefined> {
  try {
    const page = await objects.listPage({ bucket, prefix });
    return page === undefined ? `the bucket ${bucket} does not exist` : undefined;
  } catch (error) {
    // Only what storage says of this bucket: where it does not answer at all, nothing is known of any.
    if (!isStorageError(error) || error.isTransient) throw error;
    return `the bucket ${bucket} cannot be listed: ${inOneLine(error)}`;
  }
}

function aclProblem({ acl }: CollectionDocument): string | undefined {
  return Object.values(acl).flat().length === 0 ? 'nobody has access' : undefined;
}
