import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  workflowInfo,
} from '@temporalio/workflow';
import type { Access } from '../activities/index.ts';
import type { CopyFilesInput, JobOwner, JobStatus } from '../contract/messages.ts';
import { local } from './activity-options.ts';
import { admit, checkAccess, releaseLocks } from './admission.ts';
import { CopyGate } from './copy-gate.ts';
import { copyAll } from './copy-all.ts';
import { JobBook } from './job-book.ts';
import { previewAll } from './preview-all.ts';
import { recordingResults } from './result-log.ts';
import { listen } from './handlers.ts';
import { showJob } from './visibility.ts';

/**
 * One copy job: claim the correlation id, which is the workflow id, and check access, take all locks or none, copy, give
 * the locks back, close the record. Ends with the job's status; as failed where every file failed, and as cancelled
 * where Temporal was asked to cancel it and files remained.
 */
export async function copyFiles(input: CopyFilesInput): Promise<JobStatus> {
  const { workflowId: correlationId, firstExecutionRunId: firstRunId, namespace, taskQueue } = workflowInfo();
  const owner: JobOwner = { kind: 'job', correlationId, firstRunId, namespace };
  const book = new JobBook(correlationId, input);
  const root = CancellationScope.current();
  const gate = new CopyGate();
  listen(book, gate);

  // Only the copying can be cancelled: whatever happens, locks are released and the record is closed.
  const status = await CancellationScope.nonCancellable(async () => {
    // Access is only read, so that need not wait for the claim; a claim that fails makes it meaningless.
    const [claim, access] = await Promise.all([
      local('claim the correlation id').claimJob({ owner, taskQueue, input }),
      checkAccess(book, input),
    ]);
    if (claim.claimed) {
      await run(book, owner, input, access, gate);
      const status = book.ending(Date.now());
      await local(`close the record: ${status.state}`).closeRecord({ owner, admission: book.admission, status });
      book.end(status);
    } else {
      book.adopt(claim.outcome, claim.status);
    }
    showJob(book);
    await condition(allHandlersFinished);
    return book.status();
  });
  if (status.state === 'Failed') throw ApplicationFailure.nonRetryable('Every file failed', 'CopyFailed', status);
  if (status.state === 'Cancelled' && root.consideredCancelled) throw new CancelledFailure('The job was cancelled');
  return status;
}

/** Decides the request and, where it is accepted, copies its files. Holds no lock when it is through. */
async function run(
  book: JobBook,
  owner: JobOwner,
  input: CopyFilesInput,
  access: Access,
  gate: CopyGate,
): Promise<void> {
  const { options } = input.request;
  const files = await admit(book, owner, input, access);
  if (files === undefined) return;
  book.startProcessing(Date.now());
  showJob(book);
  await recordingResults(book, () =>
    options.dryRun === true ? previewAll(book, options) : copyAll(book, files, options, gate),
  );
  await releaseLocks(owner, files);
}
