import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { HeldLock } from '../activities/index.ts';
import type { CopyFilesInput, JobOwner, JobStatus } from '../contract/messages.ts';
import { admit } from './admission.ts';
import { closeJob, store } from './closing.ts';
import { continueJob, ended } from './continuing.ts';
import { CopyGate } from './copy-gate.ts';
import { FileCopying } from './file-copying.ts';
import { listen } from './handlers.ts';
import { JobBook, type CarriedJobBook } from './job-book.ts';
import { filesToCopy, heldLocks } from './owned-files.ts';
import { previewAll } from './preview-all.ts';
import { ResultLog } from './result-log.ts';
import { showJob } from './visibility.ts';

/** What a job of a short list takes along when it continues as a new run. */
export interface CarriedList {
  book: CarriedJobBook;
  /** By file; null: it was skipped. None for a dry run. */
  locks: (HeldLock | null)[];
  /** Number of the results that are stored next. */
  nextBatch: number;
}

/**
 * A job of a short list, one activity a file: admit, copy, store, release, close the record. Continues as a new run where
 * its history grows long, with the same locks and the same record.
 */
export async function copyList(owner: JobOwner, input: CopyFilesInput, carried?: CarriedList): Promise<JobStatus> {
  const { options } = input.request;
  const book = new JobBook(owner.correlationId, input, carried?.book);
  const gate = new CopyGate();
  if (book.isPaused) gate.close();
  listen(book, gate);

  // Only the copying can be cancelled: whatever happens, locks are released and the record is closed.
  return await CancellationScope.nonCancellable(async () => {
    const admitted = carried ?? (await begin(book, owner, input));
    if (admitted === 'before') return await ended(book);
    if (admitted === 'refused') {
      await closeJob(book, owner, input);
      return await ended(book);
    }
    const { locks, nextBatch } = admitted;
    const log = new ResultLog(book, nextBatch);
    const copying = new FileCopying(filesToCopy(book, locks), { book, options, gate, log });
    await (options.dryRun === true ? previewAll(book, options) : copying.run());
    const results = await log.close();
    if (!copying.isThrough) {
      if (results !== undefined) await store(results);
      return await continueJob(input, { book: book.carry(), locks, nextBatch: log.nextBatch });
    }
    await closeJob(book, owner, input, { results, locks: heldLocks(book, locks) });
    return await ended(book);
  });
}

/** Has the request decided; what was accepted shows as being processed. */
async function begin(
  book: JobBook,
  owner: JobOwner,
  input: CopyFilesInput,
): Promise<Omit<CarriedList, 'book'> | 'refused' | 'before'> {
  const admitted = await admit(book, owner, workflowInfo().taskQueue, input);
  if (admitted.decided !== 'accepted') return admitted.decided;
  book.startProcessing();
  showJob(book);
  return { locks: admitted.locks, nextBatch: 0 };
}
