import { objectNameProblem } from '../contract/file-name.ts';
import { indexCollections, locate } from '../contract/locate.ts';
import type { Admission, CollectionLocation, FileEntry, RequestError, Requestor } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { hasPermission, locationOf, type CollectionLookup } from '../storage/collections.ts';
import { mapConcurrently } from './concurrency.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toControlFailure } from './failures.ts';

export interface AccessTask {
  correlationId: string;
  requestor: Requestor;
  entries: FileEntry[];
}

export type Access =
  | { granted: true; collections: CollectionLocation[] }
  | { granted: false; admission: Extract<Admission, { decision: 'forbidden' | 'invalid' }> };

/** Collection documents read at a time. */
const READS_IN_FLIGHT = 16;

/**
 * Decides whether the caller may read every source and write every destination collection, and whether the files make
 * sense once they are located. Access comes first: a caller without it learns nothing about the rest.
 */
export async function checkAccess(
  { storage, log }: ActivityDependencies,
  { correlationId, requestor, entries }: AccessTask,
): Promise<Access> {
  const ids = new Set(entries.flatMap((entry) => [entry.sourceCollectionId, entry.destinationCollectionId]));
  const lookups = new Map<string, CollectionLookup>();
  try {
    await mapConcurrently([...ids], READS_IN_FLIGHT, async (id) => {
      lookups.set(id, await storage.collections.find(id));
    });
  } catch (error) {
    throw toControlFailure(error);
  }
  const denied = deniedCollection(entries, requestor, lookups);
  if (denied !== undefined) {
    log.warn({ correlationId, caller: requestor.caller, ...denied }, 'access denied');
    return { granted: false, admission: { decision: 'forbidden', message: deniedMessage(denied) } };
  }
  // In the order of the request, not in that of the answers.
  const collections = [...ids].flatMap((id) => {
    const lookup = lookups.get(id);
    return lookup?.found === true ? [locationOf(lookup.collection)] : [];
  });
  const errors = findConflicts(entries, collections);
  return errors.length === 0
    ? { granted: true, collections }
    : { granted: false, admission: { decision: 'invalid', errors } };
}

interface Denied {
  collectionId: string;
  needed: 'readonly' | 'readwrite';
  /** What is wrong with the collection itself; for the log only. */
  problem?: string;
}

function deniedCollection(
  entries: FileEntry[],
  { principals }: Requestor,
  lookups: ReadonlyMap<string, CollectionLookup>,
): Denied | undefined {
  const check = (collectionId: string, needed: Denied['needed']): Denied | undefined => {
    const lookup = lookups.get(collectionId);
    if (lookup?.found !== true) return { collectionId, needed, problem: lookup?.problem ?? 'not looked up' };
    return hasPermission(lookup.collection, principals, needed) ? undefined : { collectionId, needed };
  };
  for (const entry of entries) {
    const denied = check(entry.sourceCollectionId, 'readonly') ?? check(entry.destinationCollectionId, 'readwrite');
    if (denied !== undefined) return denied;
  }
  return undefined;
}

function deniedMessage({ collectionId, needed }: Denied): string {
  const verb = needed === 'readonly' ? 'read' : 'write';
  return reason('ACCESS_DENIED', `the caller may not ${verb} collection ${collectionId}, or it does not exist`);
}

/** Mistakes that show once collections are places: all of them, by bucket and object, since collections may overlap. */
export function findConflicts(entries: FileEntry[], collections: CollectionLocation[]): RequestError[] {
  const byId = indexCollections(collections);
  const prefixOf = (collectionId: string) => byId.get(collectionId)?.prefix ?? '';
  const located = entries.map((entry) => {
    const { source, destination } = locate(entry, byId);
    return { source: objectKey(source), destination: objectKey(destination) };
  });
  const sources = new Set(located.map(({ source }) => source));
  const firstByDestination = new Map<string, number>();
  const errors: RequestError[] = [];
  entries.forEach((entry, index) => {
    const at = `copyFileCollectionData[${index}]`;
    const { source, destination } = located[index] as (typeof located)[number];
    const tooLong = objectNameProblem(prefixOf(entry.sourceCollectionId), entry.fileName);
    if (tooLong !== undefined) errors.push({ path: `${at}.fileName`, message: tooLong });
    const field = `${at}.destinationFileName`;
    const destinationProblem = objectNameProblem(prefixOf(entry.destinationCollectionId), entry.destinationFileName);
    if (destinationProblem !== undefined) errors.push({ path: field, message: destinationProblem });
    const first = firstByDestination.get(destination);
    if (source === destination) errors.push({ path: field, message: 'is the source file itself' });
    else if (sources.has(destination)) errors.push({ path: field, message: 'is also a source of this request' });
    if (first === undefined) firstByDestination.set(destination, index);
    else errors.push({ path: field, message: `is already the destination of copyFileCollectionData[${first}]` });
  });
  return errors;
}

/** Object names hold no line feed, so this key is unambiguous. */
function objectKey({ bucket, name }: { bucket: string; name: string }): string {
  return `${bucket}\n${name}`;
}
