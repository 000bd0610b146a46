import { CancellationScope, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { SAVE_RESULTS_EVERY, storing } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { countOf } from './visibility.ts';

export type ResultBatch = Parameters<Activities['saveResults']>[0];

/** Stores what becomes of files while others are still being copied, some seconds' worth at a time. */
export class ResultLog {
  readonly #book: JobBook;
  /** Where this was made: what is begun later, on whosever behalf, is not cancelled with that. */
  readonly #scope = CancellationScope.current();
  #nextBatch: number;
  /** What waits for more to come to its end. */
  #gathering: CancellationScope | undefined;
  #saving: Promise<void> | undefined;
  readonly #failures: unknown[] = [];

  constructor(book: JobBook, nextBatch = 0) {
    this.#book = book;
    this.#nextBatch = nextBatch;
  }

  /** Number of the batch that comes next. */
  get nextBatch(): number {
    return this.#nextBatch;
  }

  /** Has what has come to its end stored in some seconds, with what else comes to its end by then. */
  noteEnds(): void {
    if (this.#gathering !== undefined || this.#saving !== undefined || !this.#book.hasUnsaved) return;
    this.#gathering = new CancellationScope({ cancellable: true, parent: this.#scope });
    const store = () => {
      this.#gathering = undefined;
      this.#save();
    };
    this.#gathering
      .run(() => sleep(SAVE_RESULTS_EVERY))
      .then(store, () => undefined)
      .catch((error: unknown) => {
        this.#failures.push(error);
      });
  }

  /** Stores nothing more by itself, and gives what is left to be stored, if anything, once the rest is. */
  async close(): Promise<ResultBatch | undefined> {
    this.#gathering?.cancel();
    await this.#saving;
    if (this.#failures.length > 0) throw this.#failures[0];
    return this.#takeBatch();
  }

  #save(): void {
    const batch = this.#takeBatch();
    if (batch === undefined) return;
    const summary = `store ${countOf(batch.files.length, 'result')}`;
    this.#saving = CancellationScope.nonCancellable(() => storing(summary).saveResults(batch)).then(
      () => {
        this.#saving = undefined;
        this.noteEnds();
      },
      (error: unknown) => {
        this.#failures.push(error);
      },
    );
  }

  #takeBatch(): ResultBatch | undefined {
    const files = this.#book.takeUnsaved();
    if (files.length === 0) return undefined;
    const { correlationId } = this.#book;
    return { correlationId, batch: this.#nextBatch++, files };
  }
}
