import { Context } from '@temporalio/activity';
import { indexCollections } from '../../contract/locate.ts';
import type { FileRecord } from '../../contract/messages.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { PlannedFile } from '../../storage/job-chunks.ts';
import { endFile, toChunkFile, toRecord, type ChunkFile } from './chunk/chunk-file.ts';
import { readFiles, readOutcome, storeOutcome } from './chunk/chunk-store.ts';
import type { ChunkOutcome, CopyChunkTask } from './chunk/chunk-task.ts';
import { filesOfPass } from './chunk/files-of-pass.ts';
import { judge, judgeUnseen, type ChunkMode } from './chunk/judge.ts';
import { lookUp, seenKey } from './chunk/look-up.ts';
import { PrefixGuard } from './chunk/prefix-guard.ts';
import { ChunkProgress } from './chunk/progress.ts';
import { Recovery } from './chunk/recovery.ts';
import { writeFiles } from './chunk/write-files.ts';
import { mapConcurrently, unlessAborted } from '../concurrency.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { toControlFailure, toFailure } from '../failures.ts';
import type { Outcome } from './file-outcome.ts';
import { Lease } from '../locks/lease.ts';
import { readLockedPlaces } from '../locks/locked-places.ts';

/** Writes whose answers were lost are looked after so many at a time. */
const LOOKS_AT_A_TIME = 16;

/**
 * Copies the files of a chunk, many at a time, and stores what became of them once, at the end. Both sides are read from
 * listings; each write is pinned on what was read, under a lock that was seen to stand since. What fails in passing is
 * tried again a few times, and is then left over, as is what its rate gives it no time for. Cancelled, it starts no new
 * write, waits for those in flight, and leaves the rest over. A later attempt recognises what an earlier one copied.
 * Throws ApplicationFailure.
 */
export function copyChunk(deps: ActivityDependencies, task: CopyChunkTask): Promise<ChunkOutcome> {
  return workOn(deps, task, task.dryRun === true ? 'dryRun' : task.settle === true ? 'settle' : 'copy');
}

/**
 * Finds out which files of a chunk the job has copied, where an earlier activity did not live to say, and stores that;
 * leaves the rest over, and writes nothing. Throws ApplicationFailure.
 */
export function findCopies(deps: ActivityDependencies, task: CopyChunkTask): Promise<ChunkOutcome> {
  return workOn(deps, task, 'find');
}

async function workOn(deps: ActivityDependencies, task: CopyChunkTask, mode: ChunkMode): Promise<ChunkOutcome> {
  const context = Context.current();
  using lease = new Lease(context, deps.leases.of(context, task.round));
  const { chunks, objects } = deps.storage;
  const planned = await readFiles(chunks, task);
  const isRepeated = context.info.attempt > 1 || task.isUncertain === true;
  if (isRepeated) {
    const stored = await readOutcome(chunks, task, planned);
    if (stored !== undefined) return stored;
  }
  const mayBeWritten = isRepeated || mode === 'settle' || mode === 'find';
  const startedAt = Date.now();
  const collections = indexCollections(task.collections);
  const places = { collections, locks: mode === 'dryRun' ? undefined : task.locks };
  const lockedPlaces = await lockedPlacesOf(deps, task);
  const unseen = planned.map((file) => judgeUnseen(file, { mode, collections, lockedPlaces }));
  const files = planned.filter((_, index) => unseen[index] === undefined).map((file) => toChunkFile(file, places));
  const { signal } = lease;
  const recovery = new Recovery({ objects, signal, overwrite: task.overwrite, isLastTry: task.lastTry === true });
  let waiting: readonly ChunkFile[] = [];
  try {
    // What was seen of the destinations as they were planned does not show what has been written since.
    const seen = mayBeWritten
      ? undefined
      : deps.seen?.take(seenKey(task.correlationId, task.chunk, task.planGeneration));
    const looking = lookUp(objects, files, seen).then(() => true);
    // Cancelled, nobody waits for listings, unless an earlier attempt may have written: that is to be found out.
    if (mayBeWritten ? await looking : await unlessAborted(signal, looking)) {
      for (const file of files) {
        const outcome = judge(file, mode, task.overwrite);
        if (outcome !== undefined) endFile(file, outcome);
      }
      if (mode !== 'find') {
        const attempt = { files, lease, recovery, context, stoodAt: seen?.stoodAt, isRepeated };
        waiting = await writeRest(deps, task, attempt);
      }
    }
    // Throws where the attempt itself is over: another one has its place.
    if (lease.isCancelled()) await confirmSent(files, recovery);
  } catch (error) {
    throw toFailure(error);
  }
  const { tries = task.part } = task;
  const triesBefore = tries + context.info.attempt - 1;
  const records = toRecords(planned, unseen, files, { startedAt, triesBefore });
  const isUncertain = files.some((file) => file.outcome === undefined && file.isUnconfirmed);
  const outcome = await storeOutcome(chunks, task, planned, records);
  const reason = recovery.lastFailure;
  // Where nothing came to its end for failures, these are to be paused for, and the pass counts as a try.
  const isOutOfTime = waiting.length > 0 && !signal.aborted && (reason === '' || outcome.counts.count > 0);
  return {
    ...{ ...outcome, leftovers: inTurn(outcome.leftovers, waiting), reason },
    ...(isUncertain && { isUncertain }),
    ...(isOutOfTime && { isOutOfTime }),
  };
}

async function lockedPlacesOf({ storage }: ActivityDependencies, { correlationId, lockedPlaces }: CopyChunkTask) {
  try {
    return await readLockedPlaces(storage, correlationId, lockedPlaces);
  } catch (error) {
    throw toControlFailure(error);
  }
}

/** Writes the files that have no outcome yet, as many as one pass has time for, and gives the others. */
async function writeRest(
  { storage, lanes }: ActivityDependencies,
  task: CopyChunkTask,
  attempt: {
    files: readonly ChunkFile[];
    lease: Lease;
    recovery: Recovery;
    context: Context;
    /** When the locks were seen to stand, if they were. */
    stoodAt: number | undefined;
    /** Whether another attempt may have written before. */
    isRepeated: boolean;
  },
): Promise<readonly ChunkFile[]> {
  const { files, lease, recovery, context, stoodAt, isRepeated } = attempt;
  const unwritten = files.filter(({ outcome }) => outcome === undefined);
  if (unwritten.length === 0) return [];
  const progress = new ChunkProgress(context, task, files);
  lease.note(progress);
  const { correlationId, chunk, part, filesPerSecond } = task;
  const isFirst = chunk === 0 && part === 0 && !isRepeated;
  using lane = lanes.group({ priority: 'bulk', job: correlationId, filesPerSecond, isContinued: !isFirst });
  lane.closeOn(lease.signal);
  const guard = new PrefixGuard(storage.locks, stoodAt === undefined ? undefined : { locks: task.locks, at: stoodAt });
  const { transport } = storage;
  const most = filesOfPass(filesPerSecond);
  const inTime = unwritten.slice(0, most);
  await writeFiles(inTime, { transport, lane, width: lanes.size, lease, guard, progress, recovery });
  return unwritten.slice(most);
}

/** What is left over, in the order to go on in: what fails again and again is not to keep from their turn those that wait. */
function inTurn(leftovers: readonly number[], waiting: readonly ChunkFile[]): number[] {
  const isWaiting = new Set(waiting.map(({ planned }) => planned.index));
  return [...leftovers.filter((index) => isWaiting.has(index)), ...leftovers.filter((index) => !isWaiting.has(index))];
}

/** Finds out what became of writes whose answers were lost; what storage does not tell is left over. */
async function confirmSent(files: readonly ChunkFile[], recovery: Recovery): Promise<void> {
  const sent = files.filter(({ outcome, isUnconfirmed }) => outcome === undefined && isUnconfirmed);
  await mapConcurrently(sent, LOOKS_AT_A_TIME, async (file) => {
    try {
      await recovery.confirm(file);
      file.isUnconfirmed = false;
    } catch (error) {
      if (!isStorageError(error)) throw error;
    }
  });
}

/**
 * The records of all files that have come to their end, in the order of the plan: those that were not looked at
 * (`unseen`, by place in the plan), and the others.
 */
function toRecords(
  planned: readonly PlannedFile[],
  unseen: readonly (Outcome | undefined)[],
  files: readonly ChunkFile[],
  { startedAt, triesBefore }: { startedAt: number; triesBefore: number },
): FileRecord[] {
  const records: FileRecord[] = [];
  let next = 0;
  for (const [place, plannedFile] of planned.entries()) {
    const outcome = unseen[place];
    if (outcome !== undefined) {
      records.push(toRecord(plannedFile, outcome, { startedAt: null, endedAt: startedAt, retryCount: 0 }));
      continue;
    }
    const file = files[next++];
    if (file?.outcome === undefined) continue;
    const retryCount = triesBefore + file.retries;
    records.push(
      toRecord(plannedFile, file.outcome, {
        startedAt: file.startedAt || startedAt,
        endedAt: file.endedAt,
        retryCount,
      }),
    );
  }
  return records;
}
