import { ActivityFailure, CancellationScope, isCancellation, patched, sleep } from '@temporalio/workflow';
import type { ChunkOutcome, ListingCursor, ListingPlan } from '../activities/index.ts';
import { chunkPassId } from '../contract/ids.ts';
import { reason } from '../contract/reasons.ts';
import {
  bulk,
  locallyFirst,
  CHUNK_TRIES,
  chunksToList,
  PLAN_AHEAD_CHUNKS,
  planning,
  retryPauseMs,
} from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import { ChunkQueue, type CarriedQueue, type ChunkPass } from './chunk-queue.ts';
import { passSummary, taskOf, windowOf, type BulkJob } from './chunk-tasks.ts';
import { isLongHistory } from './continuing.ts';
import type { CopyGate } from './copy-gate.ts';
import {
  FINDS_COPIES_IN_PAUSE,
  GOES_ON_AT_ONCE,
  TELLS_NO_MORE_OF_WHAT_IS_OVER,
  TELLS_OF_LOST_SOURCE,
} from './patches.ts';
import { countOf, isToldByMemo, showProgress } from './visibility.ts';

/** How far planning has come: null once every chunk is planned. */
export interface CopyingState {
  queue: CarriedQueue;
  cursor: ListingCursor | 'start' | null;
}

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
  const copying = new ChunkCopying(book, job, gate, from);
  const rest = await copying.run();
  book.explain('');
  showProgress(book);
  if (rest === undefined || !book.isCancelling) return rest;
  // Of a large job most of these never began: there may be a window of them, and somebody waits for the end.
  await Promise.all(copying.takeUncertain().map((pass) => settle(book, job, pass)));
  if (rest.cursor !== null) {
    // An attempt at planning that was stopped, or lost, may have planned more than anybody has told of.
    const { correlationId } = job.owner;
    const counting = { correlationId, from: rest.queue.planned };
    book.plan(await locallyFirst('count what was listed', ({ countPlanned }) => countPlanned(counting)));
    book.cutShort();
  }
  book.cancelRest();
  showProgress(book);
  return undefined;
}

/**
 * The copying itself. Whatever happens (a chunk ends, more are planned, a pause is over) is followed by one look at what
 * is to be begun: nothing waits for its turn, since every promise and every condition of a workflow costs a tenth of a
 * millisecond, each time that the workflow is called upon.
 */
class ChunkCopying {
  readonly #book: BulkBook;
  readonly #job: BulkJob;
  readonly #gate: CopyGate;
  readonly #queue: ChunkQueue;
  readonly #window: number;
  /** Pauses before what failed is tried again. */
  readonly #pauses = new CancellationScope();
  /** Passes that nobody could find out about: they are not looked at again before they are made again. */
  readonly #unfound = new WeakSet<ChunkPass>();
  #cursor: CopyingState['cursor'];
  readonly #inFlight = new Set<ChunkPass>();
  #isPlanning = false;
  #finish: (rest: CopyingState | undefined) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(book: BulkBook, job: BulkJob, gate: CopyGate, { queue, cursor }: CopyingState) {
    this.#book = book;
    this.#job = job;
    this.#gate = gate;
    this.#queue = new ChunkQueue(queue);
    this.#cursor = cursor;
    this.#window = windowOf(job);
    book.isCounted = cursor === null;
    for (const pass of this.#queue.uncertain) book.underWay.add(pass);
  }

  /** Gives what is left, with nothing of it in flight; undefined where that is nothing. */
  async run(): Promise<CopyingState | undefined> {
    try {
      return await new Promise<CopyingState | undefined>((resolve, reject) => {
        this.#finish = resolve;
        this.#fail = reject;
        this.#gate.watch(() => {
          this.#look();
        });
        this.#look();
      });
    } finally {
      this.#gate.watch(() => undefined);
      this.#pauses.cancel();
    }
  }

  /** Takes out the passes that nobody can say of what they did. */
  takeUncertain(): ChunkPass[] {
    const { uncertain } = this.#queue;
    for (const pass of uncertain) this.#queue.remove(pass);
    return uncertain;
  }

  /** Begins what may begin; ends where nothing more will. Tells of both, and of what led to it, at once. */
  #look(): void {
    this.#goOn();
    showProgress(this.#book);
  }

  #goOn(): void {
    const isStopping = this.#book.isCancelling || isLongHistory('bulk');
    if (!isStopping && this.#gate.isOpen) {
      if (this.#cursor !== null && !this.#isPlanning && this.#queue.ahead < PLAN_AHEAD_CHUNKS) {
        this.#plan(this.#cursor);
      }
      while (this.#inFlight.size < this.#window) {
        const pass = this.#queue.take();
        if (pass === undefined) break;
        this.#begin(pass);
      }
    } else if (!isStopping) this.#findCopies();
    if (this.#inFlight.size > 0 || this.#isPlanning) return;
    const isThrough = this.#cursor === null && this.#queue.isEmpty;
    if (isThrough) this.#finish(undefined);
    else if (isStopping) this.#finish({ queue: this.#queue.carry(), cursor: this.#cursor });
  }

  #begin(pass: ChunkPass): void {
    const { scope, round } = this.#gate;
    this.#inFlight.add(pass);
    this.#book.underWay.add(pass);
    const task = { ...taskOf(this.#job, this.#book.collections, pass), round };
    const activityId = isToldByMemo() ? chunkPassId(pass) : undefined;
    scope
      .run(() => bulk(passSummary(pass), activityId).copyChunk(task))
      .then(
        (outcome) => {
          this.#takeIn(pass, outcome, scope.consideredCancelled);
        },
        (error: unknown) => {
          this.#takeFailure(pass, error);
        },
      )
      .catch(this.#fail);
  }

  #ended(pass: ChunkPass): void {
    this.#inFlight.delete(pass);
    this.#book.underWay.delete(pass);
  }

  #takeIn(
    pass: ChunkPass,
    { counts, leftovers, reason: why, isAnothers, isUncertain, isOutOfTime }: ChunkOutcome,
    isStopped: boolean,
  ): void {
    this.#ended(pass);
    this.#book.settle(counts);
    if (leftovers.length > 0) {
      const { chunk, part, tries } = pass;
      // A part is taken also where nothing came to its end: that is stored as well, and would stand for the next pass.
      const uncertain = (isAnothers === true || isUncertain === true) && { isUncertain: true };
      const rest = { chunk, part: part + 1, only: leftovers, tries, ...uncertain };
      if (isStopped) this.#queue.putBack(rest);
      else if (isOutOfTime === true && patched(GOES_ON_AT_ONCE)) {
        if (why === '') this.#explainNoMore();
        this.#queue.putBack(rest);
      } else {
        this.#book.explain(why);
        this.#putOff({ ...rest, tries: tries + 1 });
      }
    } else this.#explainNoMore();
    this.#look();
  }

  /** While the job is paused: what passes have copied that did not live to say so is not to be told only once it goes on. */
  #findCopies(): void {
    if (this.#job.request.options.dryRun === true) return;
    const unknown = this.#queue.uncertain.filter((pass) => !this.#unfound.has(pass));
    if (unknown.length === 0 || !patched(FINDS_COPIES_IN_PAUSE)) return;
    for (const pass of unknown) this.#find(pass);
  }

  #find(pass: ChunkPass): void {
    this.#queue.remove(pass);
    this.#inFlight.add(pass);
    bulk(`look at ${passSummary(pass)}`)
      .findCopies(taskOf(this.#job, this.#book.collections, pass))
      .then(
        (outcome) => {
          this.#takeIn(pass, outcome, true);
        },
        (error: unknown) => {
          if (!(error instanceof ActivityFailure)) throw error;
          this.#inFlight.delete(pass);
          this.#unfound.add(pass);
          this.#queue.putBack(pass);
          this.#look();
        },
      )
      .catch(this.#fail);
  }

  /** Where nothing that failed is left to be tried again, there is no reason to tell any more. */
  #explainNoMore(): void {
    if (!this.#book.isExplained || this.#queue.hasRetries) return;
    if (Array.from(this.#inFlight).some(({ tries }) => tries > 0)) return;
    if (patched(TELLS_NO_MORE_OF_WHAT_IS_OVER)) this.#book.explain('');
  }

  #takeFailure(pass: ChunkPass, error: unknown): void {
    this.#ended(pass);
    // Cancelled before it began, or lost: an attempt may have copied something all the same.
    if (isCancellation(error)) this.#queue.putBack(this.#doubt(pass));
    else if (!(error instanceof ActivityFailure)) throw error;
    else if (pass.tries <= CHUNK_TRIES) this.#putOff(this.#doubt({ ...pass, tries: pass.tries + 1 }));
    else this.#book.lose(reasonOf(error));
    this.#look();
  }

  /** The pass as one that may have stored results: whoever looks at the job finds them, until it is made again. */
  #doubt(pass: ChunkPass): ChunkPass {
    const uncertain = { ...pass, isUncertain: true };
    this.#book.underWay.add(uncertain);
    return uncertain;
  }

  /** Has a pass made after a pause. */
  #putOff(pass: ChunkPass): void {
    const comeBack = this.#queue.putOff(pass);
    this.#pauses
      .run(() => sleep(retryPauseMs(pass.tries)))
      .then(
        () => {
          comeBack();
          this.#look();
        },
        // Nothing is tried again: the job stops, or continues as a new run, which takes the pass along.
        () => undefined,
      )
      .catch(this.#fail);
  }

  #plan(cursor: ListingCursor | 'start'): void {
    this.#isPlanning = true;
    const maxChunks = chunksToList(this.#queue.planned);
    const task = {
      correlationId: this.#job.owner.correlationId,
      source: collectionOf(this.#job),
      collections: this.#book.collections,
      cursor: cursor === 'start' ? null : cursor,
      maxChunks,
    };
    const { scope } = this.#gate;
    scope
      .run(() => planning(`list ${countOf(maxChunks, 'chunk')}`).planListing(task))
      .then(
        (plan) => {
          this.#takePlan(plan);
        },
        (error: unknown) => {
          this.#takePlanFailure(error, scope);
        },
      )
      .catch(this.#fail);
  }

  #takePlan({ chunks, cursor }: ListingPlan): void {
    this.#isPlanning = false;
    for (const { chunk, count, generation } of chunks) {
      this.#queue.plan(chunk, generation);
      this.#book.plan(count);
    }
    this.#cursor = cursor;
    this.#book.isCounted = cursor === null;
    this.#book.isListing = cursor !== null;
    this.#look();
  }

  #takePlanFailure(error: unknown, scope: CancellationScope): void {
    this.#isPlanning = false;
    if (!isCancellation(error)) {
      if (!(error instanceof ActivityFailure)) throw error;
      // What is listed is copied; what could not be listed will not be. What failed once it was stopped is not tried
      // again by Temporal: that is for the job to do, if it goes on.
      if (!scope.consideredCancelled) {
        const why = reasonOf(error);
        this.#book.loseSource(why);
        this.#cursor = null;
        if (patched(TELLS_OF_LOST_SOURCE)) this.#book.tellSourceLoss(why);
      }
    }
    this.#look();
  }
}

/**
 * Finds out what became of the files of a pass that nobody can say of what it did. A result of it that is found stored
 * tells of some of them only: the others are looked at as a further part. What cannot be told counts as not copied.
 */
async function settle(book: BulkBook, job: BulkJob, uncertain: ChunkPass): Promise<void> {
  for (let pass: ChunkPass | undefined = uncertain; pass !== undefined;) {
    const task = { ...taskOf(job, book.collections, pass), settle: true };
    let outcome: ChunkOutcome;
    try {
      outcome = await bulk(`look at ${passSummary(pass)}`).copyChunk(task);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      book.lose(reasonOf(error));
      return;
    }
    const { counts, leftovers } = outcome;
    book.underWay.delete(uncertain);
    book.settle(counts);
    showProgress(book);
    pass = leftovers.length === 0 ? undefined : { ...pass, part: pass.part + 1, only: leftovers };
  }
}

function collectionOf({ request: { bulk: source } }: BulkJob) {
  if (source.kind !== 'collection') throw new Error('only a collection is listed');
  return source;
}

/** `CODE: sentence`, as an activity failed for good. */
function reasonOf({ cause }: ActivityFailure): string {
  return cause?.message ?? reason('INTERNAL_ERROR', 'an activity failed');
}
