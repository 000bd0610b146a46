import { Context } from '@temporalio/activity';
import { cancelledOutcome, type FileOutcome } from '../../contract/file-outcome.ts';
import type { Overwrite } from '../../contract/messages.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { ObjectInfo, ObjectRef } from '../../storage/objects.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, toFailure } from '../failures.ts';
import { Lease, lockLost } from '../locks/lease.ts';
import type { HeldLock } from '../locks/take-locks.ts';
import { rewriteObject, type AttemptRights } from './rewrite-object.ts';
import { type OwnTime, completed, differenceBetween, isOwnCopy, judgeExisting, type Outcome } from './file-outcome.ts';

export interface CopyFileTask {
  source: ObjectRef;
  destination: ObjectRef;
  lock: HeldLock;
  overwrite: Overwrite;
  /** How often the job was resumed before: what has the same number is stopped together. */
  round?: number;
}

/** How often the destination may change under our hands before the file fails. */
const MAX_PINS = 3;

/**
 * Copies one file: reads the destination's generation, sees that the lock is still ours, writes with that generation as
 * the precondition, in this order. An earlier attempt's own copy, whose answer was lost, is recognised and not made
 * again. Throws ApplicationFailure, its type a reason code; cancelled, it returns what is true by then.
 */
export async function copyFile(
  { storage, lanes, leases }: ActivityDependencies,
  task: CopyFileTask,
): Promise<FileOutcome> {
  const context = Context.current();
  using lease = new Lease(context, leases.of(context, task.round));
  using lane = lanes.group({ priority: 'short' });
  lane.closeOn(lease.signal);
  const isLockHeld = () => storage.locks.isHeld(task.destination, task.lock.generation);
  const retryCount = context.info.attempt - 1;
  try {
    for (let pins = 0; pins < MAX_PINS; pins++) {
      const outcome = await tryOnce(storage, task, { lease, lane, isLockHeld });
      if (outcome !== undefined) return { ...outcome, retryCount };
    }
    // The last refusal too may mean that our own write had come through.
    const own = await findOwnCopy(storage, task);
    if (own !== undefined) return { ...own.outcome, retryCount };
  } catch (error) {
    throw toFailure(error);
  }
  throw failure('DESTINATION_CHANGED', `somebody else wrote the destination ${MAX_PINS} times during the copy`);
}

/** A copy that may have been made, no earlier than the lock was taken. */
export type CopySearch = Pick<CopyFileTask, 'source' | 'destination'> & { lock: OwnTime };

/** What an earlier write of this job has left at the destination, and when it did; undefined where that is nothing. */
export async function findOwnCopy(
  { objects }: StorageModule,
  { source: sourceRef, destination, lock }: CopySearch,
): Promise<{ outcome: Outcome; madeAt: number } | undefined> {
  const [source, copy] = await Promise.all([objects.stat(sourceRef), objects.stat(destination)]);
  if (copy === undefined || source === undefined) return undefined;
  return isOwnCopy(copy, source, lock) ? { outcome: completed(copy, source), madeAt: copy.createdAt } : undefined;
}

/** One round of read, check, write; undefined: the destination changed in between. */
async function tryOnce(
  storage: StorageModule,
  { source: sourceRef, destination, lock, overwrite }: CopyFileTask,
  rights: AttemptRights,
): Promise<Outcome | undefined> {
  const { lease, isLockHeld } = rights;
  const [source, existing] = await Promise.all([storage.objects.stat(sourceRef), storage.objects.stat(destination)]);
  if (source === undefined) {
    throw failure('SOURCE_NOT_FOUND', `gs://${sourceRef.bucket}/${sourceRef.name} does not exist`);
  }
  if (existing !== undefined) {
    if (isOwnCopy(existing, source, lock)) return completed(existing, source);
    const left = judgeExisting(existing, source, overwrite);
    if (left !== undefined) return left;
  }
  if (!(await isLockHeld())) throw lockLost();
  if (lease.isCancelled()) return cancelledOutcome(source);
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
  if (object === undefined) return cancelledOutcome(source);
  const difference = differenceBetween(object, source);
  if (difference !== undefined) throw failure('CHECKSUM_MISMATCH', difference);
  return completed(object, source);
}
