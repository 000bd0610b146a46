import { createHash } from 'node:crypto';
import { isPrefixRef, type LockTarget, type PrefixRef } from './lock-targets.ts';

/**
 * Longest encoded name that is kept as it is. A longer one is cut here and its SHA-256 (64 digits) put behind it, so
 * that the whole stays below the 255 bytes a file system allows a name where an emulator keeps objects as files; while
 * it writes one, fake-gcs-server adds up to 21 characters.
 */
const MAX_PLAIN_LENGTH = 160;

/**
 * Stands for the empty prefix: emulators that keep objects as files have none without a name. No other prefix is
 * encoded to it, as `@` is always encoded.
 */
const WHOLE_BUCKET = '@all';

/**
 * Name of the lock object of a destination object, `locks/{bucket}/o/{name}`, or of a destination prefix,
 * `locks/{bucket}/p/{prefix}`; name and prefix are percent-encoded. Names that share a prefix have lock names that share
 * one (up to where they are cut), so locks can be listed by prefix.
 */
export function lockName(target: LockTarget): string {
  return isPrefixRef(target)
    ? `${prefixLocksIn(target.bucket)}${shorten(target.prefix) || WHOLE_BUCKET}`
    : `${objectLocksIn(target.bucket)}${shorten(target.name)}`;
}

/** What the names of all locks start with, of one bucket or of all. */
export function locksIn(bucket?: string): string {
  return bucket === undefined ? 'locks/' : `locks/${bucket}/`;
}

/**
 * What a lock object is on, as its metadata say; where they do not, as its name does, which tells all but the end of a
 * long name.
 */
export function lockTargetOf(lock: { name: string; metadata: Readonly<Record<string, string>> }): LockTarget {
  const [, inName = '', kind, encoded = ''] = lock.name.split('/');
  const { bucket = inName, prefix, object } = lock.metadata;
  if (prefix !== undefined) return { bucket, prefix };
  if (object !== undefined) return { bucket, name: object };
  const text = encoded === WHOLE_BUCKET ? '' : decodeOrKeep(encoded);
  return kind === 'p' ? { bucket, prefix: text } : { bucket, name: text };
}

/** A name that was cut may end in half a character. */
function decodeOrKeep(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** What the names of all prefix locks of a bucket start with. */
export function prefixLocksIn(bucket: string): string {
  return `locks/${bucket}/p/`;
}

/**
 * Name of the object that says that a bucket has, or has had, prefix locks. It is made before the first of them and never
 * removed, and is no lock itself.
 */
export function prefixMarkName(bucket: string): string {
  return `${PREFIX_MARKS}${bucket}`;
}

/** What the names of all these marks start with. */
export const PREFIX_MARKS = 'prefix-locks/';

/** What the names of the locks of all objects under a prefix start with; where it is cut, some of other objects too. */
export function objectLocksUnder({ bucket, prefix }: PrefixRef): string {
  return `${objectLocksIn(bucket)}${encodeURIComponent(prefix).slice(0, MAX_PLAIN_LENGTH)}`;
}

function objectLocksIn(bucket: string): string {
  return `locks/${bucket}/o/`;
}

function shorten(name: string): string {
  const encoded = encodeURIComponent(name);
  if (encoded.length <= MAX_PLAIN_LENGTH) return encoded;
  return `${encoded.slice(0, MAX_PLAIN_LENGTH)}~${createHash('sha256').update(name, 'utf8').digest('hex')}`;
}
