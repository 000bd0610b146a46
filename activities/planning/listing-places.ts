import { indexCollections } from '../../contract/locate.ts';
import type { CollectionLocation, CollectionSource, RequestError } from '../../contract/messages.ts';
import { overlap, type PrefixRef } from '../../storage/lock-targets.ts';
import type { ListingPosition } from './source-listing.ts';

interface Place {
  collection: CollectionLocation;
  /** Everything under the prefix that is copied. */
  range: PrefixRef;
}

/** What a collection is copied from, and to. Throws where a collection is not among those of the admission. */
export function placesOf(
  { sourceCollectionId, destinationCollectionId, prefix }: CollectionSource,
  collections: readonly CollectionLocation[],
): { from: Place; to: Place } {
  const byId = indexCollections(collections);
  const place = (collectionId: string): Place => {
    const collection = byId.get(collectionId);
    if (collection === undefined) throw new Error(`collection ${collectionId} was not part of the admission`);
    return { collection, range: { bucket: collection.bucket, prefix: collection.prefix + prefix } };
  };
  return { from: place(sourceCollectionId), to: place(destinationCollectionId) };
}

/** From where a collection is listed: its first file under the prefix, or behind what another job has listed. */
export function startOf({ rest }: CollectionSource, { prefix }: CollectionLocation): ListingPosition {
  const after = rest?.after ?? '';
  return { startOffset: after === '' ? '' : prefix + after };
}

/**
 * What is wrong with copying a collection, once both are places: what is read and what is written must not overlap, or
 * the listing would go on with what was just copied.
 */
export function listingConflicts(source: CollectionSource, collections: readonly CollectionLocation[]): RequestError[] {
  const { from, to } = placesOf(source, collections);
  if (!overlap(from.range, to.range)) return [];
  return [
    {
      path: 'collection.destinationCollectionId',
      message: 'must not overlap with what is copied: both are in one bucket, one under the other',
    },
  ];
}
