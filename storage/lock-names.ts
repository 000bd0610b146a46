import { createHash } from 'node:crypto';
import type { ObjectRef } from './objects.ts';

/**
 * Longest encoded name that is kept as it is. A longer one is cut here and its SHA-256 (64 digits) put behind it, so
 * that the whole stays below the 255 bytes a file system allows a name where an emulator keeps objects as files; while
 * it writes one, fake-gcs-server adds up to 21 characters.
 */
const MAX_PLAIN_LENGTH = 160;

/**
 * Name of the lock object of a destination object: `locks/{bucket}/o/{name}`, the name percent-encoded. Names that
 * share a prefix have lock names that share one (up to where they are cut), so locks can be listed by prefix.
 */
export function lockName({ bucket, name }: ObjectRef): string {
  return `locks/${bucket}/o/${shorten(encodeURIComponent(name), name)}`;
}

function shorten(encoded: string, name: string): string {
  if (encoded.length <= MAX_PLAIN_LENGTH) return encoded;
  return `${encoded.slice(0, MAX_PLAIN_LENGTH)}~${createHash('sha256').update(name, 'utf8').digest('hex')}`;
}
