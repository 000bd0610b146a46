import { ActivityFailure, isCancellation, patched, type CancellationScope } from '@temporalio/workflow';
import type { ListingCursor, ListingPlan } from '../activities/index.ts';
import { chunksToList, planning } from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import type { ChunkQueue } from './chunk-queue.ts';
import { reasonOf, type BulkJob } from './chunk-tasks.ts';
import { TELLS_OF_LOST_SOURCE } from './patches.ts';
import { countOf } from './visibility.ts';

/** Where listing goes on; null once every chunk is planned. */
export type ListingState = ListingCursor | 'start' | null;

/** The listing of what a job copies, a few chunks at a time. */
export class SourceListing {
  readonly #book: BulkBook;
  readonly #job: BulkJob;
  readonly #queue: ChunkQueue;
  #cursor: ListingState;
  #isUnderWay = false;

  /** Chunks that are planned go into the queue. */
  constructor(book: BulkBook, job: BulkJob, queue: ChunkQueue, cursor: ListingState) {
    this.#book = book;
    this.#job = job;
    this.#queue = queue;
    this.#cursor = cursor;
    book.isCounted = cursor === null;
  }

  get cursor(): ListingState {
    return this.#cursor;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Whether there is more to list, and nothing is being listed. */
  get isWaiting(): boolean {
    return this.#cursor !== null && !this.#isUnderWay;
  }

  /**
   * Lists the next few chunks, unless `scope` is cancelled before. Where that fails for good, the source is lost. What is
   * called as it ends is called in the same turn: the order of what a workflow begins is not to change.
   */
  async goOn(scope: CancellationScope, ended: () => void): Promise<void> {
    this.#isUnderWay = true;
    const maxChunks = chunksToList(this.#queue.planned);
    const task = {
      correlationId: this.#job.owner.correlationId,
      source: collectionOf(this.#job),
      collections: this.#book.collections,
      cursor: this.#cursor === 'start' ? null : this.#cursor,
      maxChunks,
    };
    await scope
      .run(() => planning(`list ${countOf(maxChunks, 'chunk')}`).planListing(task))
      .then(
        (plan) => {
          this.#isUnderWay = false;
          this.#take(plan);
          ended();
        },
        (error: unknown) => {
          this.#isUnderWay = false;
          this.#takeFailure(error, scope);
          ended();
        },
      );
  }

  #take({ chunks, cursor }: ListingPlan): void {
    for (const { chunk, count, generation } of chunks) {
      this.#queue.plan(chunk, generation);
      this.#book.plan(count);
    }
    this.#cursor = cursor;
    this.#book.isCounted = cursor === null;
    this.#book.isListing = cursor !== null;
  }

  #takeFailure(error: unknown, scope: CancellationScope): void {
    if (isCancellation(error)) return;
    if (!(error instanceof ActivityFailure)) throw error;
    // What is listed is copied; what could not be listed will not be. What failed once it was stopped is not tried again by
    // Temporal: that is for the job to do, if it goes on.
    if (scope.consideredCancelled) return;
    const why = reasonOf(error);
    this.#book.loseSource(why);
    this.#cursor = null;
    if (patched(TELLS_OF_LOST_SOURCE)) this.#book.tellSourceLoss(why);
  }
}

function collectionOf({ request: { bulk: source } }: BulkJob) {
  if (source.kind !== 'collection') throw new Error('only a collection is listed');
  return source;
}
