import { createHash } from 'node:crypto';
import type { CopyOptions, ListRequest } from '../contract/messages.ts';
import { DEFAULT_OPTIONS } from './schemas/copy-request.ts';

/**
 * What a request asks for, in one form however it was written: fixed order of keys, entries in their order. Options that
 * are at their default are left out, so that a request keeps its digest when the service learns a new option; the
 * digest is compared with a stored one for as long as the job's record is kept.
 */
function canonicalJson({ entries, options }: ListRequest): string {
  return JSON.stringify({
    entries: entries.map((entry) => [
      entry.sourceCollectionId,
      entry.destinationCollectionId,
      entry.fileName,
      entry.destinationFileName,
    ]),
    options: withoutDefaults(options),
  });
}

function withoutDefaults(options: CopyOptions): Partial<CopyOptions> {
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULT_OPTIONS };
  const chosen = Object.entries(options).filter(([name, value]) => value !== defaults[name]);
  return Object.fromEntries(chosen.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Identifies a request's content: SHA-256 of its canonical form, in hex. The same for requests that ask for the same. */
export function requestDigest(request: ListRequest): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex');
}
