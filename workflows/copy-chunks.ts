import { ActivityFailure, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Activities, ChunkOutcome, ListingCursor } from '../activities/index.ts';
import type { BulkRequest, HeldPrefixLock, JobOwner } from '../contract/messages.ts';
import {
  bulk,
  CHUNK_TRIES,
  CHUNKS_IN_FLIGHT,
  PLAN_AHEAD_CHUNKS,
  PLAN_CHUNKS,
  PLAN_GROWTH,
  RATE_OF_A_CHUNK,
  retryPauseMs,
} from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import { ChunkQueue, type CarriedQueue, type ChunkPass } from './chunk-queue.ts';
import type { CopyGate } from './copy-gate.ts';
import { countOf, showProgress } from './visibility.ts';

/** How far planning has come: null once every chunk is planned. */
export interface CopyingState {
  queue: CarriedQueue;
  cursor: ListingCursor | 'start' | null;
}

export interface BulkJob {
  owner: JobOwner;
  request: BulkRequest;
  locks: HeldPrefixLock[];
}

/** Events after which a job continues as a new run; well below what Temporal allows (51,200). */
const LONG_HISTORY_EVENTS = 2_000;

type CopyChunkTask = Parameters<Activities['copyChunk']>[0];

/**
 * Copies the chunks of a job, a window of them at a time, while further ones are planned. Gives undefined when all of
 * it is through (or the job is cancelled, and nothing of it is in flight), else how far it has come: the history has
 * grown so long that the job should continue as a new run.
 */
export async function copyChunks(
  book: BulkBook,
  job: BulkJob,
  gate: CopyGate,
  from: CopyingState,
): Promise<CopyingState | undefined> {
  const queue = new ChunkQueue(from.queue);
  let { cursor } = from;
  book.isCounted = cursor === null;
  let inFlight = 0;
  const waits: Promise<void>[] = [];
  const window = windowOf(job);
  const isLong = () => workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > LONG_HISTORY_EVENTS;
  const stops = () => book.isCancelling || isLong();
  const isThrough = () => cursor === null && queue.isEmpty && inFlight === 0;

  const plan = async () => {
    while (cursor !== null && !stops()) {
      await gate.passed(stops);
      await condition(() => stops() || queue.ahead < PLAN_AHEAD_CHUNKS);
      if (stops()) return;
      // The first chunk is to be copied while the next few are listed, and these while many more are.
      const maxChunks = Math.min(Math.max(1, PLAN_GROWTH * queue.planned), PLAN_CHUNKS);
      const planned = await bulk(`list ${countOf(maxChunks, 'chunk')}`).planListing({
        correlationId: book.correlationId,
        source: collectionOf(job.request),
        collections: book.collections,
        cursor: cursor === 'start' ? null : cursor,
        maxChunks,
      });
      for (const { chunk, count } of planned.chunks) {
        queue.plan(chunk + 1);
        book.plan(count);
      }
      cursor = planned.cursor;
      book.isCounted = cursor === null;
      showProgress(book);
    }
  };

  const run = async (pass: ChunkPass) => {
    const { scope } = gate;
    const summary = summaryOf(pass);
    book.underWay.add(pass);
    try {
      const { counts, leftovers, reason, isAnothers } = await scope.run(() =>
        bulk(summary).copyChunk(taskOf(book, job, pass, window)),
      );
      book.settle(counts);
      if (leftovers.length === 0) return;
      const { chunk } = pass;
      // A part is taken also where nothing came to its end: that is stored as well, and would stand for the next pass.
      const uncertain = isAnothers === true && { isUncertain: true };
      const rest = { chunk, part: pass.part + 1, only: leftovers, tries: pass.tries, ...uncertain };
      if (scope.consideredCancelled) {
        queue.putBack(rest);
        return;
      }
      book.explain(reason);
      putOff({ ...rest, tries: pass.tries + 1 });
    } catch (error) {
      // Cancelled before it began, or lost: an attempt may have copied something all the same.
      const uncertain = { ...pass, isUncertain: true };
      if (isCancellation(error)) queue.putBack(uncertain);
      else if (error instanceof ActivityFailure) putOff({ ...uncertain, tries: pass.tries + 1 });
      else throw error;
    } finally {
      book.underWay.delete(pass);
    }
  };

  const putOff = (pass: ChunkPass) => {
    waits.push(queue.putOff(pass, condition(stops, retryPauseMs(pass.tries))));
  };

  const lane = async () => {
    for (;;) {
      await gate.passed(stops);
      await condition(() => stops() || queue.hasNext || isThrough());
      if (stops() || isThrough()) return;
      // Closed in the meantime, or another lane was quicker.
      const pass = gate.isOpen ? queue.take() : undefined;
      if (pass === undefined) continue;
      inFlight += 1;
      await run(pass);
      inFlight -= 1;
      showProgress(book);
    }
  };

  await Promise.all([plan(), ...Array.from({ length: window }, lane)]);
  await Promise.all(waits);
  book.explain('');
  if (isThrough()) return undefined;
  if (!book.isCancelling) return { queue: queue.carry(), cursor };
  for (const pass of queue.takeUncertain()) await settle(book, job, pass, window);
  book.cancelRest();
  if (cursor !== null) book.cutShort();
  return undefined;
}

/**
 * Finds out what became of the files of a pass that nobody can say of what it did. A result of it that is found stored
 * tells of some of them only: the others are looked at as a further part.
 */
async function settle(book: BulkBook, job: BulkJob, uncertain: ChunkPass, window: number): Promise<void> {
  for (let pass: ChunkPass | undefined = uncertain; pass !== undefined;) {
    const task: CopyChunkTask = { ...taskOf(book, job, pass, window), settle: true };
    const { counts, leftovers }: ChunkOutcome = await bulk(`look at ${summaryOf(pass)}`).copyChunk(task);
    book.settle(counts);
    pass = leftovers.length === 0 ? undefined : { ...pass, part: pass.part + 1, only: leftovers };
  }
}

/** A rate is shared out among the chunks in flight: a low one is the first chunk's alone. */
function windowOf({ request: { options } }: BulkJob): number {
  const { maxFilesPerSecond = Number.POSITIVE_INFINITY } = options;
  return Math.min(CHUNKS_IN_FLIGHT, Math.ceil(maxFilesPerSecond / RATE_OF_A_CHUNK));
}

function taskOf(book: BulkBook, { owner, locks, request }: BulkJob, pass: ChunkPass, window: number): CopyChunkTask {
  const { overwrite, dryRun, maxFilesPerSecond } = request.options;
  const { chunk, part, only, tries, isUncertain } = pass;
  return {
    ...{ owner, correlationId: book.correlationId, chunk, part, collections: book.collections, locks, overwrite },
    ...(only !== undefined && { only }),
    ...(dryRun === true && { dryRun }),
    ...(maxFilesPerSecond !== undefined && { filesPerSecond: maxFilesPerSecond / window }),
    ...(isUncertain === true && { isUncertain }),
    ...(tries >= CHUNK_TRIES && { lastTry: true }),
  };
}

function collectionOf({ bulk: source }: BulkRequest) {
  if (source.kind !== 'collection') throw new Error('only a collection is listed');
  return source;
}

function summaryOf({ chunk, only }: ChunkPass): string {
  return only === undefined ? `chunk ${chunk}` : `${countOf(only.length, 'file')} of chunk ${chunk}`;
}
