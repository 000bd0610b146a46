import { Context } from '@temporalio/activity';
import { LOOK_VALID_MS } from '../../contract/upkeep.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { ObjectInfo, ObjectRef } from '../../storage/objects.ts';
import type { LaneGroup } from '../../storage/pacing/lane-group.ts';
import { failure } from '../failures.ts';
import { lockLost, type Lease } from '../locks/lease.ts';

/** What an attempt may do: write while its lease lasts and its lock stands, in a lane. */
export interface AttemptRights {
  lease: Lease;
  lane: LaneGroup;
  /** Looks whether the lock on the destination is still this job's. */
  isLockHeld: () => Promise<boolean>;
}

interface Rewrite {
  /** The source, pinned at the generation that was read. */
  source: ObjectInfo;
  destination: ObjectRef;
  /** Generation of the destination that may be replaced; "0": there must be none. */
  pin: string;
}

/** What a heartbeat tells the next attempt: a rewrite may be continued for a week, by the same request only. */
interface RewriteProgress {
  rewriteToken: string;
  sourceGeneration: string;
  pin: string;
}

/**
 * Sends rewrite calls until the copy is whole, and gives the new object; undefined where the job asked to stop before
 * that (a rewrite that is not done leaves no trace at the destination). Goes on where an earlier attempt was lost. The lock
 * was seen to stand just now, and is looked at again where a call comes long after the last look. Throws StorageError, or
 * ApplicationFailure where the source has gone, or the lock.
 */
export async function rewriteObject(
  storage: StorageModule,
  { source, destination, pin }: Rewrite,
  { lease, lane, isLockHeld }: AttemptRights,
): Promise<ObjectInfo | undefined> {
  let seenAt = performance.now();
  const seeLock = async () => {
    const lookedAt = performance.now();
    if (!(await isLockHeld())) throw lockLost();
    seenAt = lookedAt;
  };
  const call = { source, destination, ifGenerationMatch: pin };
  const tokenOfEarlierAttempt = earlierToken(source.generation, pin);
  let rewriteToken = tokenOfEarlierAttempt;
  while (!lease.isCancelled()) {
    try {
      const send = () => (lease.isCancelled() ? undefined : storage.transport.rewrite({ ...call, rewriteToken }));
      // The job may ask to stop while a lane is waited for; and that, like the calls before, may take any time.
      const answer = await lane.run(destination.bucket, () =>
        performance.now() - seenAt < LOOK_VALID_MS ? send() : seeLock().then(send),
      );
      if (answer === undefined) continue;
      if (answer.done) return answer.object;
      rewriteToken = answer.rewriteToken;
      lease.note({ rewriteToken, sourceGeneration: source.generation, pin } satisfies RewriteProgress);
    } catch (error) {
      if (isStorageError(error, 'notFound')) throw await explainNotFound(storage, source, destination);
      const isStaleToken = rewriteToken !== undefined && rewriteToken === tokenOfEarlierAttempt;
      if (!isStaleToken || !isStorageError(error, 'refused')) {
        if (rewriteToken !== tokenOfEarlierAttempt) lease.tell();
        throw error;
      }
      rewriteToken = undefined;
      lease.note(undefined);
    }
  }
  return undefined;
}

function earlierToken(sourceGeneration: string, pin: string): string | undefined {
  const progress = Context.current().info.heartbeatDetails as RewriteProgress | undefined;
  const continues = progress?.sourceGeneration === sourceGeneration && progress.pin === pin;
  return continues ? progress.rewriteToken : undefined;
}

/** A rewrite's 404 does not say what is missing: the source, its pinned generation, or the destination's bucket. */
async function explainNotFound(storage: StorageModule, source: ObjectInfo, destination: ObjectRef): Promise<Error> {
  const current = await storage.objects.stat(source);
  if (current === undefined) {
    return failure('SOURCE_NOT_FOUND', `gs://${source.bucket}/${source.name} was deleted during the copy`);
  }
  if (current.generation !== source.generation) {
    return failure('SOURCE_CHANGED', `gs://${source.bucket}/${source.name} was replaced during the copy`);
  }
  return failure('DESTINATION_NOT_FOUND', `bucket ${destination.bucket} does not exist`);
}
