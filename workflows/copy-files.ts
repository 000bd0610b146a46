import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  workflowInfo,
} from '@temporalio/workflow';
import type { Access } from '../activities/index.ts';
import type { CopyFilesInput, CopyOptions, JobOwner, JobStatus } from '../contract/messages.ts';
import { local } from './activity-options.ts';
import { admit, releaseLocks } from './admission.ts';
import { CopyGate } from './copy-gate.ts';
import { copyAll } from './copy-all.ts';
import { JobBook } from './job-book.ts';
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
    const { requestor, request } = input;
    // Access is only read, so that need not wait for the claim; a claim that fails makes it meaningless.
    const [claim, access] = await Promise.all([
      local('claim the correlation id').claimJob({ owner, taskQueue, input }),
      local('check access to the collections').checkAccess({ correlationId, requestor, entries: request.entries }),
    ]);
    if (!claim.claimed) {
      book.adopt(claim.outcome, claim.status);
      return book.status();
    }
    await run(book, owner, access, request.options, gate);
    const ending = book.ending(Date.now());
    await local(`close the record: ${ending.state}`).closeRecord({ owner, admission: book.admission, status: ending });
    book.end(ending);
    return ending;
  });
  showJob(book);
  await condition(allHandlersFinished);
  if (status.state === 'Failed') throw ApplicationFailure.nonRetryable('Every file failed', 'CopyFailed', status);
  if (status.state === 'Cancelled' && root.consideredCancelled) throw new CancelledFailure('The job was cancelled');
  return status;
}

/** Decides the request and, where it is accepted, copies its files. Holds no lock when it is through. */
async function run(
  book: JobBook,
  owner: JobOwner,
  access: Access,
  options: CopyOptions,
  gate: CopyGate,
): Promise<void> {
  if (book.isCancelling) {
    book.decide({ decision: 'accepted' });
    book.cancelAll(Date.now());
    // Nothing to copy, but what became of the files is stored all the same.
    await copyAll(book, [], options, gate);
    return;
  }
  const files = await admit(book, owner, access);
  if (files === undefined) return;
  book.startProcessing(Date.now());
  showJob(book);
  await copyAll(book, files, options, gate);
  await releaseLocks(owner, files);
}
