import { Context } from '@temporalio/activity';
import { outcomeWithoutObject, type FileOutcome } from '../../contract/file-outcome.ts';
import { requestedFile } from '../../contract/file-records.ts';
import { indexCollections, locate, type CollectionIndex } from '../../contract/locate.ts';
import type { FileRecord } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import { isEndState, isFinalFileState } from '../../contract/states.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { StorageModule } from '../../storage/index.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { isPrefixRef, overlap, targetKey, type LockTarget } from '../../storage/lock-targets.ts';
import type { Lock } from '../../storage/locks.ts';
import type { ObjectRef } from '../../storage/objects.ts';
import { systemClock } from '../locks/lock-clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import { findOwnCopy } from '../copying/copy-file.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, refusalReason, toControlFailure } from '../failures.ts';
import { Lease } from '../locks/lease.ts';
import { findJobLocks, ownerOf } from '../locks/job-locks.ts';

export interface SettleTask {
  correlationId: string;
  /** False: it is certain that no copy was ever ordered. */
  wasBegun: boolean;
  /** Where a lock of the job has changed hands: when that was at the earliest, as `OwnTime` has it. */
  lostAt: number;
  /** When its workflow was closed, in milliseconds since the epoch; null or absent: nobody knows. */
  endedAt?: number | null;
}

/** How many files had no result, and how many of these had been copied all the same. */
export interface Settlement {
  unresolved: number;
  copied: number;
}

/** Why a file is `Cancelled` that such a job did not copy. */
export const TERMINATED = reason('TERMINATED', 'the job was ended by force in Temporal before the file was copied');

/** How often the job's workflow is asked about its files: without it, destinations tell most of what there is to tell. */
const TIMES_ASKED = 2;

/** Files that are looked up at a time, each with two requests. */
const LOOKUPS_IN_FLIGHT = 32;

/**
 * Finds out what became of the files of a job that was ended by force, and stores it with the job's results: what its
 * workflow had told of them stays so; of the others, what is at the destination. Repeated, it finds what an earlier attempt
 * has stored, and nothing is left to do.
 */
export async function settleFiles(
  deps: ActivityDependencies,
  { correlationId, wasBegun, lostAt, endedAt }: SettleTask,
): Promise<Settlement> {
  const { storage, clock = systemClock } = deps;
  using _lease = new Lease(Context.current());
  try {
    const stored = await storage.records.read(correlationId);
    if (stored === undefined || isEndState(stored.record.status.state)) return { unresolved: 0, copied: 0 };
    const { record } = stored;
    const files = await unresolvedFiles(storage, record);
    if (files.length === 0) return { unresolved: 0, copied: 0 };
    const told = wasBegun ? await filesTold(deps, record) : undefined;
    const mayBeCopied = wasBegun && record.options.dryRun !== true;
    const find = mayBeCopied ? await copyFinder(storage, record, lostAt) : () => Promise.resolve(undefined);
    await mapConcurrently(files, LOOKUPS_IN_FLIGHT, async (file) => {
      const known = told?.get(file.index);
      if (known !== undefined) {
        Object.assign(file, known);
        return;
      }
      const { outcome, at } = (await find(file)) ?? { outcome: outcomeWithoutObject('Cancelled', TERMINATED) };
      Object.assign(file, outcome);
      file.history.push({ state: outcome.state, at: at ?? endedAt ?? clock.now() });
    });
    await storage.records.settle(correlationId, files);
    return { unresolved: files.length, copied: files.filter(({ state }) => state === 'Completed').length };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/**
 * The files of a job that no result tells of. Of a job to which access was never granted, there are none; those of a bulk
 * job stand in chunks (`settleChunks`).
 */
async function unresolvedFiles({ records }: StorageModule, record: JobRecord): Promise<FileRecord[]> {
  const { correlationId, entries, receivedAt } = record;
  if (entries === null) return [];
  const resolved = await records.readFinal(correlationId);
  return entries.flatMap((entry, index) => (resolved.has(index) ? [] : [requestedFile(entry, index, receivedAt)]));
}

/** The files that the job's workflow knows the end of, by their index; undefined: it cannot be asked any more. */
async function filesTold(
  { jobs, log }: ActivityDependencies,
  record: JobRecord,
): Promise<ReadonlyMap<number, FileRecord> | undefined> {
  try {
    const files = await jobs.filesOf(ownerOf(record));
    return files && new Map(files.flatMap((file) => (isFinalFileState(file.state) ? [[file.index, file]] : [])));
  } catch (error) {
    const { correlationId } = record;
    if (Context.current().info.attempt < TIMES_ASKED) {
      throw failure('WORKER_LOST', 'nobody tells what the job knew of its files', { cause: error });
    }
    log.warn(
      { err: error, correlationId },
      'what a job that was ended by force knew of its files is not told by anybody',
    );
    return undefined;
  }
}

/** What was found out about a file; `at`: since when it is so, where that is known. */
interface Found {
  outcome: FileOutcome;
  at?: number;
}

/** Looks one file up at its destination: what is there is the job's own copy, or not (undefined). */
async function copyFinder(
  storage: StorageModule,
  record: JobRecord,
  lostAt: number,
): Promise<(file: FileRecord) => Promise<Found | undefined>> {
  const places: CollectionIndex = indexCollections(record.collections);
  const since = lockTimes(await findJobLocks(storage.locks, record));
  // Of a lock that is gone nobody knows when it was taken; certainly no copy was made before the claim.
  const claimedAt = (await storage.records.claimedAt(record)) ?? record.receivedAt;
  return async (file) => {
    const { source, destination } = locate(file, places);
    const lockedAt = since(destination);
    const lock = lockedAt === undefined ? { createdAt: claimedAt, lostAt } : { createdAt: lockedAt };
    try {
      const own = await findOwnCopy(storage, { source, destination, lock });
      return own && { outcome: { ...own.outcome, retryCount: 0 }, at: own.madeAt };
    } catch (error) {
      // Storage that refuses to be asked about a file fails the file, as it does while the job runs.
      if (!isStorageError(error) || error.isTransient) throw error;
      return { outcome: outcomeWithoutObject('Failed', refusalReason(error)) };
    }
  };
}

/** Since when each object has been locked; undefined where it is not. */
function lockTimes(locks: readonly Lock<LockTarget>[]): (destination: ObjectRef) => number | undefined {
  const byKey = new Map(locks.map((lock) => [targetKey(lock), lock]));
  const prefixes = locks.filter(isPrefixRef);
  return (destination) =>
    (byKey.get(targetKey(destination)) ?? prefixes.find((lock) => overlap(lock, destination)))?.createdAt;
}
