import type { FileOutcome } from '../../contract/file-outcome.ts';
import type { Overwrite } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { ObjectInfo } from '../../storage/objects.ts';

/** An outcome as far as storage tells of it. */
export type Outcome = Omit<FileOutcome, 'retryCount'>;

/** What has to be known of a source to copy it. */
export type SourceState = Pick<ObjectInfo, 'generation' | 'size'> & { crc32c?: string | undefined };

type Content = Omit<SourceState, 'generation'>;

/** Same bytes, as far as size and checksum tell; an unknown checksum tells nothing. */
export function isSameContent(one: Content, other: Content): boolean {
  return one.size === other.size && one.crc32c !== undefined && one.crc32c === other.crc32c;
}

/** Between what times an object was made that a job wrote, in milliseconds since the epoch. */
export interface OwnTime {
  /** When its lock was taken. */
  createdAt: number;
  /** Where the lock has changed hands: when that was at the earliest. The same content made later is another job's. */
  lostAt?: number | null;
}

/** Whether an object is what this job wrote: the source's content, made under its lock. */
export function isOwnCopy(existing: ObjectInfo, source: SourceState, { createdAt, lostAt }: OwnTime): boolean {
  if (existing.createdAt < createdAt || existing.createdAt > (lostAt ?? Number.POSITIVE_INFINITY)) return false;
  return isSameContent(existing, source);
}

/** What is to be said of a destination that overwrite leaves as it is; undefined: it is to be replaced. */
export function judgeExisting(existing: ObjectInfo, source: SourceState, overwrite: Overwrite): Outcome | undefined {
  if (overwrite === 'never') {
    return skipped(existing, source, reason('DESTINATION_EXISTS', 'the destination exists and overwrite is "never"'));
  }
  if (overwrite === 'ifDifferent' && isSameContent(existing, source)) {
    return skipped(existing, source, reason('DESTINATION_UNCHANGED', 'the destination has the same content'));
  }
  return undefined;
}

/** What a finished copy is to be told from; undefined: it is the source's content, as far as size and checksum tell. */
export function differenceBetween(copy: ObjectInfo, source: SourceState): string | undefined {
  const isSameChecksum = copy.crc32c === undefined || source.crc32c === undefined || copy.crc32c === source.crc32c;
  if (copy.size === source.size && isSameChecksum) return undefined;
  return `the copy has crc32c ${copy.crc32c}, the source ${source.crc32c}`;
}

export function completed(object: ObjectInfo, source: SourceState): Outcome {
  return { state: 'Completed', message: '', ...describe(object, source) };
}

function skipped(object: ObjectInfo, source: SourceState, message: string): Outcome {
  return { state: 'Skipped', message, ...describe(object, source) };
}

function describe({ size, crc32c, generation }: ObjectInfo, source: SourceState) {
  return { size, crc32c: crc32c ?? null, generation, sourceGeneration: source.generation };
}
