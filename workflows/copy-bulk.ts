import {
  allHandlersFinished,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { BulkRequest, CopyFilesInput, HeldPrefixLock, JobOwner, JobStatus } from '../contract/messages.ts';
import { local } from './activity-options.ts';
import { BulkBook, type CarriedBook } from './bulk-book.ts';
import { admitBulk } from './bulk-admission.ts';
import { copyChunks, type CopyingState } from './copy-chunks.ts';
import { CopyGate } from './copy-gate.ts';
import { listen } from './handlers.ts';
import { countOf, showJob } from './visibility.ts';

/** What a bulk job takes along when it continues as a new run. */
export interface CarriedJob {
  book: CarriedBook;
  locks: HeldPrefixLock[];
  copying: CopyingState;
}

/** The signature of the workflow that a job continues as. */
type Continued = (input: CopyFilesInput<BulkRequest>, carried: CarriedJob) => Promise<JobStatus>;

/**
 * A job of any number of files: admit, copy chunk by chunk while further ones are planned, release, close the record.
 * Continues as a new run where its history grows long, with the same locks and the same record.
 */
export async function copyBulk(
  owner: JobOwner,
  input: CopyFilesInput<BulkRequest>,
  carried?: CarriedJob,
): Promise<JobStatus> {
  const book = new BulkBook(owner.correlationId, input, carried?.book);
  const gate = new CopyGate();
  if (book.isPaused) gate.close();
  listen(book, gate);

  // Only the copying can be cancelled: whatever happens, locks are released and the record is closed.
  return await CancellationScope.nonCancellable(async () => {
    const begun = carried ?? (await begin(book, owner, input));
    if (begun === 'before') return await ended(book);
    if (begun !== 'refused') {
      const { locks } = begun;
      const rest = await copyChunks(book, { owner, request: input.request, locks }, gate, begun.copying);
      if (rest !== undefined) return await goOn(input, { book: book.carry(), locks, copying: rest });
      await release(owner, locks);
    }
    const status = book.ending(Date.now());
    const claim = { taskQueue: workflowInfo().taskQueue, input, collections: book.collections };
    const closing = { owner, admission: book.admission, status, claim, recordGeneration: book.recordGeneration };
    await local(`close the record: ${status.state}`).closeRecord(closing);
    book.end(status);
    return await ended(book);
  });
}

async function begin(
  book: BulkBook,
  owner: JobOwner,
  input: CopyFilesInput<BulkRequest>,
): Promise<Omit<CarriedJob, 'book'> | 'refused' | 'before'> {
  const admitted = await admitBulk(book, owner, workflowInfo().taskQueue, input);
  if (admitted.decided !== 'accepted') return admitted.decided;
  book.startProcessing();
  showJob(book);
  const { locks, queue, cursor } = admitted;
  return { locks, copying: { queue, cursor } };
}

async function release(owner: JobOwner, locks: HeldPrefixLock[]): Promise<void> {
  if (locks.length === 0) return;
  await local(`release ${countOf(locks.length, 'prefix lock')}`).releasePrefixLocks({ owner, locks });
}

async function ended(book: BulkBook): Promise<JobStatus> {
  showJob(book);
  await condition(allHandlersFinished);
  return book.status();
}

/** Continues as a new run of the same workflow. Never returns. */
async function goOn(input: CopyFilesInput<BulkRequest>, carried: CarriedJob): Promise<never> {
  await condition(allHandlersFinished);
  const { memo, typedSearchAttributes } = workflowInfo();
  return await makeContinueAsNewFunc<Continued>({ typedSearchAttributes, ...(memo && { memo }) })(input, carried);
}
