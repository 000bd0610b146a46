import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { cancelledOutcome, type FileOutcome } from '../contract/file-outcome.ts';
import { MIN_FILES_PER_SECOND } from '../contract/limits.ts';
import type { CopyOptions } from '../contract/messages.ts';
import { copying, FILES_IN_FLIGHT, lookingUp } from './activity-options.ts';
import { isLongHistory } from './continuing.ts';
import type { CopyGate } from './copy-gate.ts';
import { failedOutcome } from './failed-copy.ts';
import type { JobBook } from './job-book.ts';
import type { OwnedFile } from './owned-files.ts';
import type { ResultLog } from './result-log.ts';
import { fileSummary, showProgress } from './visibility.ts';

type CopyFileTask = Parameters<Activities['copyFile']>[0];

/** What files are copied with. */
export interface Copying {
  book: JobBook;
  options: CopyOptions;
  gate: CopyGate;
  log: ResultLog;
}

/**
 * Copies files, a window of them at a time. Whatever happens (a file ends, a pause is over) is followed by one look at
 * what may begin: no file waits for its turn, since every promise and every condition of a workflow costs time, each time
 * that the workflow is called upon.
 */
export class FileCopying {
  readonly #book: JobBook;
  readonly #options: CopyOptions;
  readonly #gate: CopyGate;
  readonly #log: ResultLog;
  /** Files that are to be begun, or begun again. */
  readonly #queue: OwnedFile[];
  /** Where this was made: what is begun later, on whosever behalf, is not cancelled with that. */
  readonly #scope = CancellationScope.current();
  /** What waits for its turn at a rate; each promise costs time, also one that nothing comes of. */
  #turns: CancellationScope | undefined;
  #nextTurn = Date.now();
  #underWay = 0;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(files: readonly OwnedFile[], { book, options, gate, log }: Copying) {
    this.#queue = [...files];
    this.#book = book;
    this.#options = options;
    this.#gate = gate;
    this.#log = log;
  }

  /**
   * Copies all of them, as far as the gate lets it, and writes down what became of each. Never throws for a file's sake.
   * Ends before that, with nothing under way, where the history has grown so long that the job should continue as a new
   * run: `isThrough` tells.
   */
  async run(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#finish = resolve;
        this.#fail = reject;
        this.#gate.watch(() => {
          this.#look();
        });
        this.#look();
      });
    } finally {
      this.#gate.watch(() => undefined);
    }
  }

  get isThrough(): boolean {
    return this.#queue.length === 0;
  }

  /** Begins what may begin; ends where nothing more will. */
  #look(): void {
    const isLong = isLongHistory('list');
    if (this.#book.isCancelling) this.#cancelRest();
    else if (this.#gate.isOpen && !isLong) this.#beginSome();
    if (this.#underWay === 0 && (this.isThrough || isLong)) this.#finish();
    else this.#log.noteEnds();
  }

  #cancelRest(): void {
    this.#turns?.cancel();
    for (const { record } of this.#queue.splice(0)) this.#book.finishFile(record, cancelledOutcome(), Date.now());
  }

  #beginSome(): void {
    const begun: OwnedFile[] = [];
    while (this.#underWay < FILES_IN_FLIGHT) {
      const file = this.#queue.shift();
      if (file === undefined) break;
      this.#underWay += 1;
      const waitMs = this.#takeTurn();
      if (waitMs > 0) this.#beginAfter(waitMs, file);
      else begun.push(file);
    }
    if (begun.length > 0) this.#copy(begun);
  }

  /** Milliseconds until the next file may begin; without a rate none. */
  #takeTurn(): number {
    const { maxFilesPerSecond } = this.#options;
    if (maxFilesPerSecond === undefined) return 0;
    const now = Date.now();
    const turn = Math.max(this.#nextTurn, now);
    // Requests were taken once that had a smaller rate, by which no turn ever came.
    this.#nextTurn = turn + 1_000 / Math.max(maxFilesPerSecond, MIN_FILES_PER_SECOND);
    return Math.floor(turn - now);
  }

  #beginAfter(waitMs: number, file: OwnedFile): void {
    const goOn = (mayBegin: boolean) => {
      if (mayBegin) {
        this.#copy([file]);
        return;
      }
      this.#underWay -= 1;
      this.#queue.unshift(file);
      this.#look();
    };
    this.#turns ??= new CancellationScope({ cancellable: true, parent: this.#scope });
    this.#turns
      .run(() => sleep(waitMs))
      .then(
        () => {
          goOn(this.#gate.isOpen && !this.#book.isCancelling);
        },
        (error: unknown) => {
          // A turn that fails otherwise would fail again at once, and again.
          if (!isCancellation(error)) throw error;
          goOn(false);
        },
      )
      .catch(this.#fail);
  }

  #copy(files: readonly OwnedFile[]): void {
    const { overwrite } = this.#options;
    const { scope, round } = this.#gate;
    const copies: Promise<FileOutcome>[] = [];
    const begin = () => {
      for (const { record, source, destination, lock } of files) {
        this.#book.startFile(record, Date.now());
        const task: CopyFileTask = { source, destination, lock, overwrite, round };
        copies.push(copying.copyFile.executeWithOptions({ summary: fileSummary(record) }, [task]));
      }
      return Promise.resolve();
    };
    scope.run(begin).catch(this.#fail);
    // Taken in outside of the scope: what follows of a copy is not to be cancelled with it.
    files.forEach((file, index) => {
      copies[index]?.then(
        (outcome) => {
          this.#guarded(() => {
            this.#takeIn(file, outcome);
          });
        },
        (error: unknown) => {
          this.#guarded(() => {
            this.#takeFailure(file, error, scope);
          });
        },
      );
    });
  }

  /** As a promise would that catches, and costs nothing while there is nothing to catch. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #takeIn(file: OwnedFile, outcome: FileOutcome): void {
    const { record } = file;
    this.#underWay -= 1;
    if (outcome.state !== 'Cancelled' || this.#book.isCancelling) {
      this.#book.finishFile(record, outcome, Date.now());
    } else {
      // The job was paused.
      this.#book.requeueFile(record, Date.now());
      this.#queue.unshift(file);
    }
    showProgress(this.#book);
    this.#look();
  }

  #takeFailure(file: OwnedFile, error: unknown, scope: CancellationScope): void {
    const failed = failedOutcome(error);
    if (failed?.isCertain === true) {
      this.#takeIn(file, failed.outcome);
      return;
    }
    // A write may have been sent and its answer lost. A copy that was told to stop is not tried again: where it left
    // nothing, it is as if it had not begun.
    const otherwise = failed === undefined || scope.consideredCancelled ? cancelledOutcome() : failed.outcome;
    this.#find(file)
      .then((left) => {
        this.#takeIn(file, left ?? otherwise);
      })
      .catch(this.#fail);
  }

  /** What this job has at the destination; null: nothing. Storage that refuses to be asked fails the file. */
  async #find({ record, source, destination, lock }: OwnedFile): Promise<FileOutcome | null> {
    const task: CopyFileTask = { source, destination, lock, overwrite: this.#options.overwrite };
    const summary = `look for ${fileSummary(record)}`;
    try {
      return await CancellationScope.nonCancellable(() => lookingUp(summary).findCopy(task));
    } catch (error) {
      return failedOutcome(error)?.outcome ?? null;
    }
  }
}
