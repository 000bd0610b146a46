import { allHandlersFinished, CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import type { CopyFilesInput, JobOwner, JobStatus } from '../contract/messages.ts';
import { local } from './activity-options.ts';
import { admit, releaseLocks, type AdmittedFile } from './admission.ts';
import { CopyGate } from './copy-gate.ts';
import { copyAll } from './copy-all.ts';
import { JobBook } from './job-book.ts';
import { previewAll } from './preview-all.ts';
import { recordingResults } from './result-log.ts';
import { listen } from './handlers.ts';
import { showJob } from './visibility.ts';

/** A job of a short list, one activity a file: admit, copy, release, close the record. */
export async function copyList(owner: JobOwner, input: CopyFilesInput): Promise<JobStatus> {
  const { taskQueue } = workflowInfo();
  const book = new JobBook(owner.correlationId, input);
  const gate = new CopyGate();
  listen(book, gate);

  // Only the copying can be cancelled: whatever happens, locks are released and the record is closed.
  return await CancellationScope.nonCancellable(async () => {
    const admitted = await admit(book, owner, taskQueue, input);
    if (admitted.decided !== 'before') {
      if (admitted.decided === 'accepted') await copy(book, owner, input, admitted.files, gate);
      const status = book.ending(Date.now());
      const claim = { taskQueue, input, collections: book.collections };
      const closing = { owner, admission: book.admission, status, claim, recordGeneration: book.recordGeneration };
      await local(`close the record: ${status.state}`).closeRecord(closing);
      book.end(status);
    }
    showJob(book);
    await condition(allHandlersFinished);
    return book.status();
  });
}

/** Copies the files of an accepted job, or tells what would happen to them. Holds no lock when it is through. */
async function copy(
  book: JobBook,
  owner: JobOwner,
  { request: { options } }: CopyFilesInput,
  files: AdmittedFile[],
  gate: CopyGate,
): Promise<void> {
  book.startProcessing();
  showJob(book);
  await recordingResults(book, () =>
    options.dryRun === true ? previewAll(book, options) : copyAll(book, files, options, gate),
  );
  await releaseLocks(owner, files);
}
