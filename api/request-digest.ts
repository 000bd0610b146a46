import { createHash } from 'node:crypto';
import type { CopyRequest } from '../contract/messages.ts';
import { DEFAULT_OPTIONS } from './schemas/copy-request.ts';

/**
 * What a request asks for, in one form however it was written: fixed order of keys, entries in their order. Options that
 * are at their default are left out, so that a request keeps its digest when the service learns a new option; the
 * digest is compared with a stored one for as long as the job's record is kept.
 */
function canonicalJson({ entries, options }: CopyRequest): string {
  return JSON.stringify({
    entries: entries.map((entry) => [
      entry.sourceCollectionId,
      entry.destinationCollectionId,
      entry.fileName,
      entry.destinationFileName,
    ]),
    options: options.overwrite === DEFAULT_OPTIONS.overwrite ? {} : { overwrite: options.overwrite },
  });
}

/** Identifies a request's content: SHA-256 of its canonical form, in hex. The same for requests that ask for the same. */
export function requestDigest(request: CopyRequest): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex');
}
