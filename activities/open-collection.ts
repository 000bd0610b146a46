import type { Admission, BulkSource, CollectionLocation, Requestor } from '../contract/messages.ts';
import { indexCollections } from '../contract/locate.ts';
import type { LockTarget, PrefixRef } from '../storage/lock-targets.ts';
import { CollectionAccess, deniedMessage } from './collection-access.ts';
import type { ActivityDependencies } from './dependencies.ts';

type CollectionSource = Extract<BulkSource, { kind: 'collection' }>;

export interface OpenTask {
  correlationId: string;
  requestor: Requestor;
  source: CollectionSource;
}

export type Opened =
  | { granted: true; plan: { collections: CollectionLocation[]; prefixes: PrefixRef[]; sources: LockTarget[] } }
  | { granted: false; admission: Extract<Admission, { decision: 'forbidden' | 'invalid' }> };

/**
 * Decides whether everything under a prefix may be copied from one collection into another: access to both, and that
 * neither place is inside the other, where the copying would go on for ever or write its own sources.
 */
export async function openCollection(
  { storage, log }: ActivityDependencies,
  { correlationId, requestor, source }: OpenTask,
): Promise<Opened> {
  const access = new CollectionAccess(storage.collections, requestor);
  await access.lookUp([source.sourceCollectionId, source.destinationCollectionId]);
  const denied = access.deniedIn(source);
  if (denied !== undefined) {
    log.warn({ correlationId, caller: requestor.caller, ...denied }, 'access denied');
    return { granted: false, admission: { decision: 'forbidden', message: deniedMessage(denied) } };
  }
  const collections = [...access.places.values()];
  const places = indexCollections(collections);
  const under = (collectionId: string): PrefixRef => {
    const { bucket = '', prefix = '' } = places.get(collectionId) ?? {};
    return { bucket, prefix: prefix + source.prefix };
  };
  const from = under(source.sourceCollectionId);
  const to = under(source.destinationCollectionId);
  const isInside = from.prefix.startsWith(to.prefix) || to.prefix.startsWith(from.prefix);
  if (from.bucket === to.bucket && isInside) {
    const message = 'is the destination itself, or one of the two places is inside the other';
    return { granted: false, admission: { decision: 'invalid', errors: [{ path: 'collection.prefix', message }] } };
  }
  return { granted: true, plan: { collections, prefixes: [to], sources: [from] } };
}
