import type { CollectionLocation, FileRecord } from '../../contract/messages.ts';

export interface EntityIds {
  source: string;
  destination: string;
}

function entityId(location: CollectionLocation | undefined, fileName: string, generation: string | null): string {
  if (location === undefined || generation === null) return '';
  return `${location.bucket}/${location.prefix}${fileName}/${generation}`;
}

/**
 * Names both ends of a file by the storage object's own id, `bucket/name/generation`; an end whose object is not known
 * (yet) has an empty one. Takes the locations that the job's collections had when access was decided.
 */
export function entityIdsOf(collections: readonly CollectionLocation[]): (file: FileRecord) => EntityIds {
  const locations = new Map(collections.map((location) => [location.collectionId, location]));
  return (file) => ({
    source: entityId(locations.get(file.sourceCollectionId), file.fileName, file.sourceGeneration),
    destination: entityId(locations.get(file.destinationCollectionId), file.destinationFileName, file.generation),
  });
}
