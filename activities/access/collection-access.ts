import type { CollectionLocation, FileEntry, Requestor } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import {
  hasPermission,
  locationOf,
  type CollectionCatalogue,
  type CollectionLookup,
} from '../../storage/collections.ts';
import { mapConcurrently } from '../concurrency.ts';
import { toControlFailure } from '../failures.ts';

type Needed = 'readonly' | 'readwrite';

/** A collection that is read, and one that is written. */
type CollectionPair = Pick<FileEntry, 'sourceCollectionId' | 'destinationCollectionId'>;

/** A collection that the caller may not use. */
export interface Denied {
  collectionId: string;
  needed: Needed;
  /** What is wrong with the collection itself; for the log only. */
  problem?: string;
}

/** Collection documents read at a time. */
const READS_IN_FLIGHT = 16;

/** What one caller may do with the collections of one request; each document is read once. */
export class CollectionAccess {
  readonly #catalogue: CollectionCatalogue;
  readonly #principals: readonly string[];
  readonly #lookups = new Map<string, CollectionLookup>();
  readonly #places = new Map<string, CollectionLocation>();
  readonly #granted: Record<Needed, Set<string>> = { readonly: new Set(), readwrite: new Set() };

  constructor(catalogue: CollectionCatalogue, { principals }: Requestor) {
    this.#catalogue = catalogue;
    this.#principals = principals;
  }

  /**
   * What the caller might do with these collections as they were read here a moment ago; undefined: not all of them
   * were. It decides nothing, but tells what the decision is likely to be.
   */
  static recall(
    catalogue: CollectionCatalogue,
    requestor: Requestor,
    collectionIds: Iterable<string>,
  ): CollectionAccess | undefined {
    const access = new CollectionAccess(catalogue, requestor);
    for (const id of new Set(collectionIds)) {
      const collection = catalogue.recall(id);
      if (collection === undefined) return undefined;
      access.#note(id, { found: true, collection });
    }
    return access;
  }

  #note(id: string, lookup: CollectionLookup): void {
    this.#lookups.set(id, lookup);
    if (lookup.found) this.#places.set(id, locationOf(lookup.collection));
  }

  /** Where the collections are that were found, by id, in the order in which they were asked for. */
  get places(): ReadonlyMap<string, CollectionLocation> {
    return this.#places;
  }

  /** Reads the documents of these collections that have not been read. Throws a retryable failure where storage fails. */
  async lookUp(collectionIds: Iterable<string>): Promise<void> {
    const missing = [...new Set(collectionIds)].filter((id) => !this.#lookups.has(id));
    const found: CollectionLookup[] = [];
    try {
      await mapConcurrently(missing, READS_IN_FLIGHT, async (id, index) => {
        found[index] = await this.#catalogue.find(id);
      });
    } catch (error) {
      throw toControlFailure(error);
    }
    for (const [index, id] of missing.entries()) this.#note(id, found[index] as CollectionLookup);
  }

  /** Whether both collections of an entry are known to be granted; if not, look them up and ask `deniedIn`. */
  isGranted({ sourceCollectionId, destinationCollectionId }: CollectionPair): boolean {
    return this.#granted.readonly.has(sourceCollectionId) && this.#granted.readwrite.has(destinationCollectionId);
  }

  /** The collection of an entry that is denied; undefined: none. All that it names have been looked up. */
  deniedIn({ sourceCollectionId, destinationCollectionId }: Partial<CollectionPair>): Denied | undefined {
    const source = sourceCollectionId === undefined ? undefined : this.denied(sourceCollectionId, 'readonly');
    if (source !== undefined || destinationCollectionId === undefined) return source;
    return this.denied(destinationCollectionId, 'readwrite');
  }

  /** Why a collection that has been looked up may not be used so; undefined: it may. */
  denied(collectionId: string, needed: Needed): Denied | undefined {
    if (this.#granted[needed].has(collectionId)) return undefined;
    const lookup = this.#lookups.get(collectionId);
    if (lookup?.found !== true) return { collectionId, needed, problem: lookup?.problem ?? 'not looked up' };
    if (!hasPermission(lookup.collection, this.#principals, needed)) return { collectionId, needed };
    this.#granted[needed].add(collectionId);
    return undefined;
  }
}

/** The same words whether the collection is missing, broken or forbidden. `line`: of a manifest, where it is named there. */
export function deniedMessage({ collectionId, needed }: Denied, line?: number): string {
  const verb = needed === 'readonly' ? 'read' : 'write';
  const where = line === undefined ? '' : `line ${line}: `;
  return reason('ACCESS_DENIED', `${where}the caller may not ${verb} collection ${collectionId}, or it does not exist`);
}
