import type { CollectionLocation, CollectionSource, Refusal, Requestor } from '../../contract/messages.ts';
import type { LockTarget, PrefixRef } from '../../storage/lock-targets.ts';
import { CollectionAccess, deniedMessage } from '../access/collection-access.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { listingConflicts, placesOf } from '../planning/listing-places.ts';

export interface OpenTask {
  correlationId: string;
  requestor: Requestor;
  source: CollectionSource;
}

export type Opened =
  | { granted: true; plan: { collections: CollectionLocation[]; prefixes: PrefixRef[]; sources: LockTarget[] } }
  | { granted: false; admission: Refusal };

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
  return makeSense(access, source);
}

/** What `openCollection` will say, unless a collection has changed since it was last read here; undefined: that is open. */
export function foreseeCollection(
  { storage }: ActivityDependencies,
  { requestor, source }: OpenTask,
): Extract<Opened, { granted: true }> | undefined {
  const ids = [source.sourceCollectionId, source.destinationCollectionId];
  const access = CollectionAccess.recall(storage.collections, requestor, ids);
  if (access === undefined || access.deniedIn(source) !== undefined) return undefined;
  const foreseen = makeSense(access, source);
  return foreseen.granted ? foreseen : undefined;
}

function makeSense(access: CollectionAccess, source: CollectionSource): Opened {
  const collections = [...access.places.values()];
  const errors = listingConflicts(source, collections);
  if (errors.length > 0) return { granted: false, admission: { decision: 'invalid', errors } };
  const { from, to } = placesOf(source, collections);
  return { granted: true, plan: { collections, prefixes: [to.range], sources: [from.range] } };
}
