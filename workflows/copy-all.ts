import { condition } from '@temporalio/workflow';
import type { CopyOptions } from '../contract/messages.ts';
import { FILES_IN_FLIGHT, local, SAVE_RESULTS_EVERY } from './activity-options.ts';
import type { AdmittedFile } from './admission.ts';
import type { CopyGate } from './copy-gate.ts';
import { copyOne } from './copy-one.ts';
import type { JobBook } from './job-book.ts';
import { countOf, showProgress } from './visibility.ts';

/** Copies the files, a window of them at a time, and stores what became of them as it goes; all of it when through. */
export async function copyAll(
  book: JobBook,
  files: readonly AdmittedFile[],
  options: CopyOptions,
  gate: CopyGate,
): Promise<void> {
  const results = new ResultLog(book);
  const saving = results.saveWhileCopying();
  let next = 0;
  const lane = async () => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      await copyOne(book, file, options, gate);
      showProgress(book);
    }
  };
  await Promise.all(Array.from({ length: Math.min(FILES_IN_FLIGHT, files.length) }, lane));
  results.stop();
  await saving;
}

/** Appends results to the job's record, in batches. */
class ResultLog {
  readonly #book: JobBook;
  #batch = 0;
  #stopped = false;

  constructor(book: JobBook) {
    this.#book = book;
  }

  /** Stores results soon after they come in, and the last of them after `stop`. */
  async saveWhileCopying(): Promise<void> {
    while (!this.#stopped) {
      await condition(() => this.#stopped || this.#book.hasUnsaved);
      // Gathers what comes in meanwhile; costs nothing once copying is through.
      await condition(() => this.#stopped, SAVE_RESULTS_EVERY);
      await this.#save();
    }
  }

  async #save(): Promise<void> {
    const files = this.#book.takeUnsaved();
    if (files.length === 0) return;
    await local(`store ${countOf(files.length, 'result')}`).saveResults({
      correlationId: this.#book.correlationId,
      batch: this.#batch++,
      files,
    });
  }

  stop(): void {
    this.#stopped = true;
  }
}
