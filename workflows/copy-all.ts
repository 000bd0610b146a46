import { condition } from '@temporalio/workflow';
import type { CopyOptions } from '../contract/messages.ts';
import { FILES_IN_FLIGHT } from './activity-options.ts';
import type { AdmittedFile } from './admission.ts';
import type { CopyGate } from './copy-gate.ts';
import { copyOne } from './copy-one.ts';
import type { JobBook } from './job-book.ts';
import { showProgress } from './visibility.ts';

/** Copies the files, a window of them at a time. */
export async function copyAll(
  book: JobBook,
  files: readonly AdmittedFile[],
  options: CopyOptions,
  gate: CopyGate,
): Promise<void> {
  let next = 0;
  const turn = pace(options.maxFilesPerSecond, () => book.isCancelling);
  const lane = async () => {
    for (let file = files[next++]; file !== undefined; file = files[next++]) {
      await turn();
      await copyOne(book, file, options, gate);
      showProgress(book);
    }
  };
  await Promise.all(Array.from({ length: Math.min(FILES_IN_FLIGHT, files.length) }, lane));
}

/** Turns at a rate, each waited for with a durable timer; without a rate, or once it is given up, at once. */
function pace(perSecond: number | undefined, isGivenUp: () => boolean): () => Promise<void> {
  if (perSecond === undefined) return () => Promise.resolve();
  let nextAt = Date.now();
  return async () => {
    const at = Math.max(nextAt, Date.now());
    nextAt = at + 1_000 / perSecond;
    const waitMs = Math.floor(at - Date.now());
    if (waitMs > 0) await condition(isGivenUp, waitMs);
  };
}
