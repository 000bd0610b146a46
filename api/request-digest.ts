import { createHash } from 'node:crypto';
import type { BulkSource, CopyOptions, FileEntry } from '../contract/messages.ts';
import { DEFAULT_OPTIONS } from './schemas/copy-options.ts';

/** A source that a request names, rather than one that the service has made of a request. */
export type NamedSource = Exclude<BulkSource, { kind: 'stored' }>;

/*
 * What a request asks for, in one canonical form however it was written: fixed order of keys, entries in their order.
 * Options that are at their default are left out, so that a request keeps its digest when the service learns a new
 * option; the digest is compared with a stored one for as long as the job's record is kept. It is SHA-256, in hex.
 */

function withoutDefaults(options: CopyOptions): Partial<CopyOptions> {
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_OPTIONS };
  const chosen = Object.entries(options).filter(([name, value]) => value !== defaults[name]);
  return Object.fromEntries(chosen.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The digest of a list, entry by entry, so that a long one need not be held. */
export class ListDigest {
  readonly #hash = createHash('sha256').update('{"entries":[');
  #separator = '';

  /** Counts the next entry in. */
  add({ sourceCollectionId, destinationCollectionId, fileName, destinationFileName }: FileEntry): void {
    const entry = JSON.stringify([sourceCollectionId, destinationCollectionId, fileName, destinationFileName]);
    this.#hash.update(this.#separator + entry);
    this.#separator = ',';
  }

  /** The digest of the request for all entries so far; nothing can be added after that. */
  finish(options: CopyOptions): string {
    return this.#hash.update(`],"options":${JSON.stringify(withoutDefaults(options))}}`).digest('hex');
  }
}

/** The digest of a request for these entries. The same for requests that ask for the same. */
export function listDigest(entries: readonly FileEntry[], options: CopyOptions): string {
  const digest = new ListDigest();
  for (const entry of entries) digest.add(entry);
  return digest.finish(options);
}

/**
 * The digest of a request that names where its files stand; of one for the rest of a prefix, `again` is the digest of the
 * list that goes before it, if there is one.
 */
export function sourceDigest(source: NamedSource, options: CopyOptions, again: string | null = null): string {
  const named =
    source.kind === 'manifest'
      ? { manifest: [source.collectionId, source.fileName] }
      : {
          collection: [source.sourceCollectionId, source.destinationCollectionId, source.prefix],
          ...(source.rest && { rest: [source.rest.after, again] }),
        };
  const canonical = JSON.stringify({ ...named, options: withoutDefaults(options) });
  return createHash('sha256').update(canonical).digest('hex');
}
