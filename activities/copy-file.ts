import { Context } from '@temporalio/activity';
import type { Overwrite } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import type { FinalFileState } from '../contract/states.ts';
import { isStorageError } from '../storage/errors.ts';
import type { StorageModule } from '../storage/index.ts';
import type { ObjectInfo, ObjectRef } from '../storage/objects.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { failure, toFailure } from './failures.ts';
import { Lease } from './lease.ts';
import { rewriteObject, type AttemptRights } from './rewrite-object.ts';

/** The lock a file is copied under. */
export interface HeldLock {
  generation: string;
  /** When it was taken, by the clock of Cloud Storage, in milliseconds since the epoch. */
  createdAt: number;
}

export interface CopyFileTask {
  source: ObjectRef;
  destination: ObjectRef;
  lock: HeldLock;
  overwrite: Overwrite;
}

/** What became of a file. Size, crc32c and generation are the destination object's, null where there is none. */
export interface FileOutcome {
  state: FinalFileState;
  /** `CODE: sentence`, or empty. */
  message: string;
  size: number | null;
  crc32c: string | null;
  generation: string | null;
  sourceGeneration: string | null;
  retryCount: number;
}

/** How often the destination may change under our hands before the file fails. */
const MAX_PINS = 3;

/**
 * Copies one file: reads the destination's generation, sees that the lock is still ours, writes with that generation as
 * the precondition, in this order. An earlier attempt's own copy, whose answer was lost, is recognised and not made
 * again. Throws ApplicationFailure, its type a reason code; cancelled, it returns what is true by then.
 */
export async function copyFile({ storage, lanes }: ActivityDependencies, task: CopyFileTask): Promise<FileOutcome> {
  const context = Context.current();
  using lease = new Lease(context);
  using lane = lanes.group({ priority: 'short' });
  context.cancellationSignal.addEventListener('abort', () => {
    lane.close();
  });
  const retryCount = context.info.attempt - 1;
  try {
    for (let pins = 0; pins < MAX_PINS; pins++) {
      const outcome = await tryOnce(storage, task, { lease, lane });
      if (outcome !== undefined) return { ...outcome, retryCount };
    }
    // The last refusal too may mean that our own write had come through.
    const own = await findOwnCopy(storage, task);
    if (own !== undefined) return { ...own, retryCount };
  } catch (error) {
    throw toFailure(error);
  }
  throw failure('DESTINATION_CHANGED', `somebody else wrote the destination ${MAX_PINS} times during the copy`);
}

type Outcome = Omit<FileOutcome, 'retryCount'>;

/** What an earlier write of this job has left at the destination; undefined where that is nothing. */
export async function findOwnCopy(
  { objects }: StorageModule,
  { source: sourceRef, destination, lock }: CopyFileTask,
): Promise<Outcome | undefined> {
  const [source, existing] = await Promise.all([objects.stat(sourceRef), objects.stat(destination)]);
  return existing !== undefined && isOwnCopy(existing, source, lock) ? completed(existing, source) : undefined;
}

/** One round of read, check, write; undefined: the destination changed in between. */
async function tryOnce(
  storage: StorageModule,
  { source: sourceRef, destination, lock, overwrite }: CopyFileTask,
  rights: AttemptRights,
): Promise<Outcome | undefined> {
  const { lease } = rights;
  const [source, existing] = await Promise.all([storage.objects.stat(sourceRef), storage.objects.stat(destination)]);
  if (existing !== undefined && isOwnCopy(existing, source, lock)) return completed(existing, source);
  if (source === undefined)
    throw failure('SOURCE_NOT_FOUND', `gs://${sourceRef.bucket}/${sourceRef.name} does not exist`);
  if (existing !== undefined && overwrite === 'never') {
    return skipped(existing, source, reason('DESTINATION_EXISTS', 'the destination exists and overwrite is "never"'));
  }
  if (existing !== undefined && overwrite === 'ifDifferent' && isSameContent(existing, source)) {
    return skipped(existing, source, reason('DESTINATION_UNCHANGED', 'the destination has the same content'));
  }
  if (!(await storage.locks.isHeld(destination, lock.generation))) {
    throw failure('LOCK_LOST', 'the lock on the destination was broken or taken over');
  }
  if (lease.isCancelled()) return cancelled(source);
  let object: ObjectInfo | undefined;
  try {
    object = await rewriteObject(storage, { source, destination, pin: existing?.generation ?? '0' }, rights);
  } catch (error) {
    if (isStorageError(error, 'preconditionFailed')) return undefined;
    // The answer is lost, not the write: look before saying that nothing was copied.
    if (!isStorageError(error) || !error.isTransient || !lease.isCancelled()) throw error;
    const written = await storage.objects.stat(destination);
    if (written !== undefined && isOwnCopy(written, source, lock)) return completed(written, source);
  }
  if (object === undefined) return cancelled(source);
  if (isOtherContent(object, source)) {
    throw failure('CHECKSUM_MISMATCH', `the copy has crc32c ${object.crc32c}, the source ${source.crc32c}`);
  }
  return completed(object, source);
}

/** Same bytes, as far as size and checksum tell; an unknown checksum tells nothing. */
export function isSameContent(one: ObjectInfo, other: ObjectInfo): boolean {
  return one.size === other.size && one.crc32c !== undefined && one.crc32c === other.crc32c;
}

/** Other bytes, as far as size and checksum tell. */
function isOtherContent(one: ObjectInfo, other: ObjectInfo): boolean {
  if (one.size !== other.size) return true;
  return one.crc32c !== undefined && other.crc32c !== undefined && one.crc32c !== other.crc32c;
}

/** Whether an object is what an earlier attempt of this job wrote: the source's content, made under our lock. */
function isOwnCopy(existing: ObjectInfo, source: ObjectInfo | undefined, lock: HeldLock): source is ObjectInfo {
  return source !== undefined && existing.createdAt >= lock.createdAt && isSameContent(existing, source);
}

function describe(object: ObjectInfo, source: ObjectInfo) {
  const { size, crc32c = null, generation } = object;
  return { size, crc32c, generation, sourceGeneration: source.generation };
}

function completed(object: ObjectInfo, source: ObjectInfo): Outcome {
  return { state: 'Completed', message: '', ...describe(object, source) };
}

function skipped(object: ObjectInfo, source: ObjectInfo, message: string): Outcome {
  return { state: 'Skipped', message, ...describe(object, source) };
}

function cancelled(source: ObjectInfo): Outcome {
  const message = reason('CANCELLED', 'the job was cancelled before the file was copied');
  return {
    state: 'Cancelled',
    message,
    size: null,
    crc32c: null,
    generation: null,
    sourceGeneration: source.generation,
  };
}
