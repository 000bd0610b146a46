import { CancellationScope } from '@temporalio/workflow';
import type { BulkRequest, CopyFilesInput, HeldPrefixLock, JobOwner, JobStatus } from '../contract/messages.ts';
import { BulkBook, type CarriedBulkBook } from './bulk-book.ts';
import { admitBulk } from './bulk-admission.ts';
import { closeJob } from './closing.ts';
import { continueJob, ended } from './continuing.ts';
import { copyChunks, type CopyingState } from './copy-chunks.ts';
import { CopyGate } from './copy-gate.ts';
import { listen } from './handlers.ts';
import { showJob } from './visibility.ts';

/** What a bulk job takes along when it continues as a new run. */
export interface CarriedBulk {
  book: CarriedBulkBook;
  locks: HeldPrefixLock[];
  /** The name of what others hold, which the job does without; absent: nothing. */
  lockedPlaces?: string;
  copying: CopyingState;
}

/**
 * A job of any number of files: admit, copy chunk by chunk while further ones are planned, release, close the record.
 * Continues as a new run where its history grows long, with the same locks and the same record.
 */
export async function copyBulk(
  owner: JobOwner,
  input: CopyFilesInput<BulkRequest>,
  carried?: CarriedBulk,
): Promise<JobStatus> {
  const book = new BulkBook(owner.correlationId, input, carried?.book);
  const gate = new CopyGate();
  // A signal that is heard as the run begins has this told.
  book.isListing = carried !== undefined && carried.copying.cursor !== null;
  if (book.isPaused) gate.close();
  listen(book, gate);

  // Only the copying can be cancelled: whatever happens, locks are released and the record is closed.
  return await CancellationScope.nonCancellable(async () => {
    const begun = carried ?? (await begin(book, gate, owner, input));
    if (begun === 'before') return await ended(book);
    if (begun === 'over') {
      await closeJob(book, owner, input, { isUnread: book.isUnread });
      return await ended(book);
    }
    const { copying, locks, lockedPlaces } = begun;
    const held = { locks, ...(lockedPlaces !== undefined && { lockedPlaces }) };
    const rest = await copyChunks(book, { owner, request: input.request, ...held }, gate, copying);
    if (rest !== undefined) return await continueJob(input, { ...held, book: book.carry(), copying: rest });
    await closeJob(book, owner, input, { prefixLocks: locks, isCutShort: book.isUnlisted });
    return await ended(book);
  });
}

async function begin(
  book: BulkBook,
  gate: CopyGate,
  owner: JobOwner,
  input: CopyFilesInput<BulkRequest>,
): Promise<Omit<CarriedBulk, 'book'> | 'over' | 'before'> {
  const admitted = await admitBulk(book, gate, owner, input);
  if (admitted.decided !== 'accepted') return admitted.decided;
  const { locks, lockedPlaces, queue, cursor } = admitted;
  book.startProcessing();
  book.isListing = cursor !== null;
  showJob(book);
  return { locks, ...(lockedPlaces !== undefined && { lockedPlaces }), copying: { queue, cursor } };
}
