import { indexCollections, locate } from '../contract/locate.ts';
import type { CopyOptions } from '../contract/messages.ts';
import { PREVIEW_FILES, previewing } from './activity-options.ts';
import type { JobBook } from './job-book.ts';
import { countOf, showProgress } from './visibility.ts';

/** Tells for every file what would happen to it. Locks nothing, copies nothing. */
export async function previewAll(book: JobBook, { overwrite }: CopyOptions): Promise<void> {
  const places = indexCollections(book.collections);
  for (let from = 0; from < book.files.length && !book.isCancelling; from += PREVIEW_FILES) {
    const records = book.files.slice(from, from + PREVIEW_FILES);
    const files = records.map((record) => locate(record, places));
    const summary = `look at ${countOf(files.length, 'file')}`;
    const outcomes = await previewing.previewFiles.executeWithOptions({ summary }, [{ files, overwrite }]);
    outcomes.forEach((outcome, index) => {
      const record = records[index];
      if (record !== undefined) book.finishFile(record, outcome, Date.now());
    });
    showProgress(book);
  }
  book.cancelRest(Date.now());
}
