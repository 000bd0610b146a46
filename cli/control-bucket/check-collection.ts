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
  if (document.bucket === '') return 'the bucket must have a name';
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
  const { problem } = await lookAtBucket(objects, collection);
  const found = [documentProblem(collection, controlBucket), problem, aclProblem(collection)];
  return { ...checked, problems: found.filter((problem) => problem !== undefined) };
}

/** Whether storage says that there is no such bucket. Throws StorageError where it does not answer. */
export async function isBucketMissing(objects: ObjectStore, bucket: string): Promise<boolean> {
  return (await lookAtBucket(objects, { bucket, prefix: '' })).isMissing;
}

/** What a look at a bucket found: whether storage says that there is none, and what is wrong with it. */
interface BucketLook {
  isMissing: boolean;
  problem: string | undefined;
}

/**
 * What is wrong with a collection that is to be added. Of a bucket that storage does not tell of now, nothing is known:
 * that is a problem, and does not make it missing.
 */
export async function checkNewCollection(
  objects: ObjectStore,
  collection: CollectionDocument,
): Promise<{ isMissing: boolean; problems: string[] }> {
  const { isMissing, problem } = await lookAtBucket(objects, collection).catch((error: unknown): BucketLook => {
    if (!isStorageError(error)) throw error;
    return { isMissing: false, problem: `nothing is known of the bucket ${collection.bucket}: ${inOneLine(error)}` };
  });
  const found = [problem, aclProblem(collection)];
  return { isMissing, problems: found.filter((problem) => problem !== undefined) };
}

async function lookAtBucket(
  objects: ObjectStore,
  { bucket, prefix }: Pick<CollectionDocument, 'bucket' | 'prefix'>,
): Promise<BucketLook> {
  try {
    const isMissing = (await objects.listPage({ bucket, prefix })) === undefined;
    return { isMissing, problem: isMissing ? `the bucket ${bucket} does not exist` : undefined };
  } catch (error) {
    // Only what storage says of this bucket: where it does not answer at all, nothing is known of any.
    if (!isStorageError(error) || error.isTransient) throw error;
    // It may not be listed from here, and is there.
    return { isMissing: false, problem: `the bucket ${bucket} cannot be listed: ${inOneLine(error)}` };
  }
}

function aclProblem({ acl }: CollectionDocument): string | undefined {
  return Object.values(acl).flat().length === 0 ? 'nobody has access' : undefined;
}
