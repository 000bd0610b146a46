import { Context } from '@temporalio/activity';
import { outcomeWithoutObject } from '../../contract/file-outcome.ts';
import { indexCollections } from '../../contract/locate.ts';
import type { FileRecord, HeldPrefixLock } from '../../contract/messages.ts';
import { isEndState } from '../../contract/states.ts';
import type { PlanChunk, PlannedFile } from '../../storage/job-chunks.ts';
import type { JobRecord } from '../../storage/job-records.ts';
import { isPrefixRef } from '../../storage/lock-targets.ts';
import type { StorageModule } from '../../storage/index.ts';
import { toChunkFile, toRecord, type ChunkFile } from '../copying/chunk/chunk-file.ts';
import { judgeUnseen } from '../copying/chunk/judge.ts';
import { lookUp } from '../copying/chunk/look-up.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failure, toControlFailure } from '../failures.ts';
import { completed, isOwnCopy, type Outcome } from '../copying/file-outcome.ts';
import { Lease } from '../locks/lease.ts';
import { readLockedPlaces, type LockedPlaces } from '../locks/locked-places.ts';
import { systemClock } from '../locks/lock-clock.ts';
import { findJobLocks } from '../locks/job-locks.ts';
import { TERMINATED, type Settlement } from './settle-files.ts';

export interface SettleChunksTask {
  correlationId: string;
  /** The first chunk of the plan that is meant. */
  from: number;
  /** All as of `SettleTask`. */
  wasBegun: boolean;
  lostAt: number;
  endedAt?: number | null;
}

/** What was settled, and the chunk to go on with; null: that was the last. */
export interface ChunkSettlement extends Settlement {
  next: number | null;
}

/** Chunks that one activity looks at, some of them at a time. */
const CHUNKS_A_STEP = 100;
const CHUNKS_AT_A_TIME = 4;

/**
 * Finds out what became of the files of a bulk job that was ended by force, as far as they had been listed, a stretch of
 * chunks at a time, and stores it as a further part of each chunk's results. May be repeated.
 */
export async function settleChunks(
  { storage, clock = systemClock }: ActivityDependencies,
  { correlationId, from, wasBegun, lostAt, endedAt }: SettleChunksTask,
): Promise<ChunkSettlement> {
  using _lease = new Lease(Context.current());
  const { records, chunks } = storage;
  const done: ChunkSettlement = { unresolved: 0, copied: 0, next: null };
  try {
    const stored = await records.read(correlationId);
    if (stored === undefined || isEndState(stored.record.status.state)) return done;
    const planned = await Array.fromAsync(chunks.listPlan(correlationId, { from, to: from + CHUNKS_A_STEP }));
    const { record } = stored;
    const locks = await locksOf(storage, record);
    const lockedPlaces = await readLockedPlaces(storage, correlationId, record.lockedPlaces);
    await mapConcurrently(planned, CHUNKS_AT_A_TIME, async (chunk) => {
      const { files, part } = await readUnresolved(storage, record, chunk);
      if (files.length === 0) return;
      const known = { locks, lockedPlaces, wasBegun, lostAt, endedAt: endedAt ?? clock.now() };
      const settled = await settle(storage, record, known, files);
      if (!(await chunks.writeResults(correlationId, chunk.chunk, part, settled))) {
        // By a late attempt of the job, or one of ours whose answer was lost: what is left then is looked for again.
        throw failure('STORAGE_UNAVAILABLE', `results of chunk ${chunk.chunk} came in meanwhile`);
      }
      done.unresolved += settled.length;
      done.copied += settled.filter(({ state }) => state === 'Completed').length;
    });
    return { ...done, next: planned.length === CHUNKS_A_STEP ? from + CHUNKS_A_STEP : null };
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** The files of a chunk that no part of its results tells of, and the number of the next part. */
async function readUnresolved(
  { chunks }: StorageModule,
  { correlationId }: JobRecord,
  { chunk, count }: PlanChunk,
): Promise<{ files: PlannedFile[]; part: number }> {
  const parts = await Array.fromAsync(chunks.listResults(correlationId, { from: chunk, to: chunk + 1 }));
  const part = (parts.at(-1)?.part ?? -1) + 1;
  const told = parts.reduce((sum, { count: files }) => sum + files, 0);
  if (told >= count) return { files: [], part };
  const [planned = [], ...results] = await Promise.all([
    chunks.readPlan(correlationId, chunk),
    ...parts.map((stored) => chunks.readResults(correlationId, chunk, stored.part)),
  ]);
  const resolved = new Set(results.flatMap((files) => (files ?? []).map(({ index }) => index)));
  return { files: planned.filter(({ index }) => !resolved.has(index)), part };
}

/** Stands for the generation of a lock that the job does not hold any more. */
const LOST = '';

/** The job's locks; where they have changed hands, what was copied is told by the claim, which is older. */
async function locksOf({ locks, records }: StorageModule, record: JobRecord): Promise<HeldPrefixLock[]> {
  const createdAt = (await records.claimedAt(record)) ?? record.receivedAt;
  const held = (await findJobLocks(locks, record)).filter((lock) => isPrefixRef(lock));
  return [
    ...held,
    ...record.collections.map(({ bucket, prefix }) => ({ bucket, prefix, generation: LOST, createdAt })),
  ];
}

/** By what it is told what became of files. */
interface Knowledge {
  locks: HeldPrefixLock[];
  /** What others held, and the job did without. */
  lockedPlaces: LockedPlaces | undefined;
  wasBegun: boolean;
  lostAt: number;
  /** When what was not copied came to its end, in milliseconds since the epoch. */
  endedAt: number;
}

async function settle(
  { objects }: StorageModule,
  { collections, options }: JobRecord,
  { locks, lockedPlaces, wasBegun, lostAt, endedAt }: Knowledge,
  planned: readonly PlannedFile[],
): Promise<FileRecord[]> {
  const places = { collections: indexCollections(collections), locks };
  // A line that could not be read may name no collection: it is nowhere to be looked for.
  const unseen = planned.map((file) =>
    judgeUnseen(file, { mode: 'copy', collections: places.collections, lockedPlaces }),
  );
  // Of a job that had not begun nothing was copied, nor of what was planned before the record tells where that is.
  const mayBeCopied = wasBegun && collections.length > 0;
  const copyable = mayBeCopied ? planned.filter((_, index) => unseen[index] === undefined) : [];
  const files = new Map(copyable.map((file) => [file.index, toChunkFile(file, places)]));
  if (options.dryRun !== true) await lookUp(objects, [...files.values()]);
  return planned.map((file, index) => {
    const refused = unseen[index];
    const [outcome, at] =
      refused === undefined ? endOf(files.get(file.index), { lostAt, endedAt }) : [refused, endedAt];
    return toRecord(file, outcome, { startedAt: null, endedAt: at, retryCount: 0 });
  });
}

/** What is known of a file, and since when it is so: storage that does not tell, our own copy, or nothing. */
function endOf(
  file: ChunkFile | undefined,
  { lostAt: earliestLoss, endedAt }: Pick<Knowledge, 'lostAt' | 'endedAt'>,
): [Outcome, at: number] {
  const { refusal, existing, sourceState, lock } = file ?? {};
  if (refusal !== undefined) return [outcomeWithoutObject('Failed', refusal, sourceState), endedAt];
  const lostAt = lock?.generation === LOST ? earliestLoss : null;
  const isCopied = existing && sourceState && lock && isOwnCopy(existing, sourceState, { ...lock, lostAt });
  return isCopied === true
    ? [completed(existing, sourceState), existing.createdAt]
    : [outcomeWithoutObject('Cancelled', TERMINATED, sourceState), endedAt];
}
