import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { CollectionLocation } from '../contract/messages.ts';
import { isStorageError, StorageError } from './errors.ts';
import type { ObjectStore } from './objects.ts';

export const PERMISSION_LEVELS = ['readonly', 'readwrite', 'admin', 'owner'] as const;

/** What an access list can grant, from least to most; each level includes the ones before it. */
export type Permission = (typeof PERMISSION_LEVELS)[number];

const PREFIX = 'collections/';
const SUFFIX = '.json';

const principals = z.array(z.string()).default([]);

const collectionDocument = z.object({
  collectionId: z.string().min(1),
  collectionName: z.string(),
  bucket: z.string().min(1),
  prefix: z.string(),
  acl: z.object({ owner: principals, admin: principals, readwrite: principals, readonly: principals }),
});

/** A collection as its document in the control bucket describes it. */
export type CollectionDocument = z.output<typeof collectionDocument>;

export interface Collection extends CollectionDocument {
  /** Generation of the document. */
  generation: string;
}

/** A collection, or why it cannot be used; the reason is for the log, not for the caller. */
export type CollectionLookup = { found: true; collection: Collection } | { found: false; problem: string };

/** Collections that are remembered, and for how long, in milliseconds. */
const MOST_REMEMBERED = 1_000;
const REMEMBERED_FOR_MS = 60_000;

/** The collections: documents `collections/{collectionId}.json` in the control bucket. */
export class CollectionCatalogue {
  readonly #objects: ObjectStore;
  readonly #bucket: string;
  readonly #remembered = new LRUCache<string, Collection>({
    ...{ max: MOST_REMEMBERED, ttl: REMEMBERED_FOR_MS },
    // The clock is read at each look: no timer is set to save that.
    ttlResolution: 0,
  });

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  /** The ids of all documents there are, read or not, in the order of their names. Throws StorageError. */
  async *ids(): AsyncGenerator<string> {
    for await (const { name } of this.#objects.list({ bucket: this.#bucket, prefix: PREFIX })) {
      const id = name.endsWith(SUFFIX) ? name.slice(PREFIX.length, -SUFFIX.length) : '';
      if (id !== '' && !id.includes('/')) yield id;
    }
  }

  /** A collection as it was when it was last read here, some time in the last minute; undefined: it was not. */
  recall(collectionId: string): Collection | undefined {
    return this.#remembered.get(collectionId);
  }

  /** Reads one document. One that is missing or invalid is an answer; throws StorageError where storage fails. */
  async find(collectionId: string): Promise<CollectionLookup> {
    const lookup = await this.#read(collectionId);
    if (lookup.found) this.#remembered.set(collectionId, lookup.collection);
    else this.#remembered.delete(collectionId);
    return lookup;
  }

  async #read(collectionId: string): Promise<CollectionLookup> {
    const name = PREFIX + collectionId + SUFFIX;
    const document = await this.#objects.readJson({ bucket: this.#bucket, name }).catch((error: unknown) => {
      if (isStorageError(error, 'malformed')) return error;
      throw error;
    });
    if (document === undefined) return { found: false, problem: `${name} does not exist` };
    if (document instanceof StorageError) return { found: false, problem: `${name}: ${document.message}` };
    const parsed = collectionDocument.safeParse(document.content);
    if (!parsed.success) return { found: false, problem: `${name} is invalid: ${z.prettifyError(parsed.error)}` };
    if (parsed.data.collectionId !== collectionId) {
      return { found: false, problem: `${name} describes another collection: ${parsed.data.collectionId}` };
    }
    // Whoever may write there could write access lists and locks.
    if (parsed.data.bucket === this.#bucket) return { found: false, problem: `${name} points at the control bucket` };
    return { found: true, collection: { ...parsed.data, generation: document.generation } };
  }

  /** Writes a document; false: there is one under this id, and it is not to be replaced. Throws StorageError. */
  async save(document: CollectionDocument, { replace }: { replace: boolean }): Promise<boolean> {
    try {
      await this.#objects.write(
        { bucket: this.#bucket, name: PREFIX + document.collectionId + SUFFIX },
        `${JSON.stringify(document, undefined, 2)}\n`,
        replace ? {} : { ifGenerationMatch: '0' },
      );
      return true;
    } catch (error) {
      if (isStorageError(error, 'preconditionFailed')) return false;
      throw error;
    }
  }
}

/** Whether any of these principals has this level or a higher one. `*` in a list stands for every valid token. */
export function hasPermission({ acl }: CollectionDocument, principals: readonly string[], level: Permission): boolean {
  return PERMISSION_LEVELS.slice(PERMISSION_LEVELS.indexOf(level)).some((granted) =>
    acl[granted].some((entry) => entry === '*' || principals.includes(entry)),
  );
}

export function locationOf({ collectionId, bucket, prefix, generation }: Collection): CollectionLocation {
  return { collectionId, bucket, prefix, generation };
}
