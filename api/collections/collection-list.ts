import type { Logger } from '../../config/logger.ts';
import {
  hasPermission,
  type Collection,
  type CollectionCatalogue,
  type Permission,
} from '../../storage/collections.ts';
import { mapConcurrently, shared } from '../concurrency.ts';
import { fromStorage } from '../jobs/from-storage.ts';

/** Documents read at a time. */
const READS_AT_A_TIME = 32;

/** What a caller is told of a collection. */
export interface CollectionSummary {
  collectionId: string;
  collectionName: string;
}

/** The collections that any of these principals may use at this level or above, by id. Throws ServiceUnavailableError. */
export type CollectionList = (principals: readonly string[], level: Permission) => Promise<CollectionSummary[]>;

/**
 * Lists collections from their documents, which calls that come together have read together. One that is invalid is
 * nobody's, and said so in the log.
 */
export function createCollectionList(catalogue: CollectionCatalogue, log: Logger): CollectionList {
  const read = shared(() => fromStorage(readAll(catalogue, log)));
  return async function listCollections(principals, level) {
    return (await read())
      .filter((collection) => hasPermission(collection, principals, level))
      .map(({ collectionId, collectionName }) => ({ collectionId, collectionName }))
      .sort((one, other) => (one.collectionId < other.collectionId ? -1 : 1));
  };
}

async function readAll(catalogue: CollectionCatalogue, log: Logger): Promise<Collection[]> {
  const ids = await Array.fromAsync(catalogue.ids());
  const lookups = await mapConcurrently(ids, READS_AT_A_TIME, (id) => catalogue.find(id));
  return lookups.flatMap((lookup) => {
    if (lookup.found) return [lookup.collection];
    log.warn({ problem: lookup.problem }, 'collection cannot be used');
    return [];
  });
}
