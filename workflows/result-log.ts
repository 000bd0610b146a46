import { condition } from '@temporalio/workflow';
import { local, SAVE_RESULTS_EVERY, storing } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { countOf } from './visibility.ts';

/** Does some work on files, and stores what becomes of them as it goes; all of it when the work is through. */
export async function recordingResults(book: JobBook, work: () => Promise<void>): Promise<void> {
  let isThrough = false;
  let batch = 0;
  const save = async () => {
    const files = book.takeUnsaved();
    if (files.length === 0) return;
    const { correlationId } = book;
    const { saveResults } = (isThrough ? local : storing)(`store ${countOf(files.length, 'result')}`);
    await saveResults({ correlationId, batch: batch++, files });
  };
  const saveAsTheyCome = async () => {
    while (!isThrough) {
      await condition(() => isThrough || book.hasUnsaved);
      // Gathers what comes in meanwhile; costs nothing once the work is through.
      await condition(() => isThrough, SAVE_RESULTS_EVERY);
      await save();
    }
  };
  const saving = saveAsTheyCome();
  await work();
  isThrough = true;
  await saving;
  // What came in while the last of them was being stored.
  await save();
}
