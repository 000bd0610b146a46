import { indexCollections, locate } from '../../contract/locate.ts';
import type { CollectionLocation, FileEntry, Refusal, RequestError, Requestor } from '../../contract/messages.ts';
import { CollectionAccess, deniedMessage, type Denied } from './collection-access.ts';
import { errorAt, ITSELF, nameMistakes, OVER_SOURCE, repeats } from './entry-mistakes.ts';
import type { ActivityDependencies } from '../dependencies.ts';

export interface AccessTask {
  correlationId: string;
  requestor: Requestor;
  entries: FileEntry[];
}

export type Access = { granted: true; collections: CollectionLocation[] } | { granted: false; admission: Refusal };

/**
 * Decides whether the caller may read every source and write every destination collection, and whether the files make
 * sense once they are located. Access comes first: a caller without it learns nothing about the rest.
 */
export async function checkAccess(
  { storage, log }: ActivityDependencies,
  { correlationId, requestor, entries }: AccessTask,
): Promise<Access> {
  const access = new CollectionAccess(storage.collections, requestor);
  await access.lookUp(collectionsOf(entries));
  const denied = firstDenied(access, entries);
  if (denied !== undefined) {
    log.warn({ correlationId, caller: requestor.caller, ...denied }, 'access denied');
    return { granted: false, admission: { decision: 'forbidden', message: deniedMessage(denied) } };
  }
  return makeSense(access, entries);
}

/** What `checkAccess` will say, unless a collection has changed since it was last read here; undefined: that is open. */
export function foreseeAccess(
  { storage }: ActivityDependencies,
  { requestor, entries }: AccessTask,
): Extract<Access, { granted: true }> | undefined {
  const access = CollectionAccess.recall(storage.collections, requestor, collectionsOf(entries));
  if (access === undefined || firstDenied(access, entries) !== undefined) return undefined;
  const foreseen = makeSense(access, entries);
  return foreseen.granted ? foreseen : undefined;
}

function* collectionsOf(entries: readonly FileEntry[]): Generator<string> {
  for (const { sourceCollectionId, destinationCollectionId } of entries) {
    yield sourceCollectionId;
    yield destinationCollectionId;
  }
}

function firstDenied(access: CollectionAccess, entries: readonly FileEntry[]): Denied | undefined {
  for (const entry of entries) {
    const denied = access.deniedIn(entry);
    if (denied !== undefined) return denied;
  }
  return undefined;
}

function makeSense(access: CollectionAccess, entries: FileEntry[]): Access {
  const collections = [...access.places.values()];
  const errors = findConflicts(entries, collections);
  return errors.length === 0
    ? { granted: true, collections }
    : { granted: false, admission: { decision: 'invalid', errors } };
}

/** Mistakes that show once collections are places: all of them, by bucket and object, since collections may overlap. */
export function findConflicts(entries: FileEntry[], collections: CollectionLocation[]): RequestError[] {
  const byId = indexCollections(collections);
  const located = entries.map((entry) => {
    const { source, destination } = locate(entry, byId);
    return { source: objectKey(source), destination: objectKey(destination) };
  });
  const sources = new Set(located.map(({ source }) => source));
  const firstByDestination = new Map<string, number>();
  const errors: RequestError[] = [];
  entries.forEach((entry, index) => {
    const { source, destination } = located[index] as (typeof located)[number];
    for (const mistake of nameMistakes(entry, byId)) errors.push(errorAt(index, mistake));
    if (source === destination) errors.push(errorAt(index, ITSELF));
    else if (sources.has(destination)) errors.push(errorAt(index, OVER_SOURCE));
    const first = firstByDestination.get(destination);
    if (first === undefined) firstByDestination.set(destination, index);
    else errors.push(errorAt(index, repeats(first)));
  });
  return errors;
}

/** Object names hold no line feed, so this key is unambiguous. */
function objectKey({ bucket, name }: { bucket: string; name: string }): string {
  return `${bucket}\n${name}`;
}
