import { ActivityFailure, CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Activities, BulkVerdict, ListingCursor } from '../activities/index.ts';
import {
  hasList,
  type BulkRequest,
  type CopyFilesInput,
  type HeldPrefixLock,
  type JobOwner,
} from '../contract/messages.ts';
import { beginLocally, locallyFirst, planning } from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import type { CarriedQueue } from './chunk-queue.ts';
import type { CopyGate } from './copy-gate.ts';
import { LockWait } from './lock-wait.ts';
import { countOf } from './visibility.ts';

type BulkAdmissionTask = Parameters<Activities['admitBulk']>[0];
type BulkPlan = NonNullable<BulkAdmissionTask['plan']>;

/** How a bulk request was decided. Only `accepted` holds anything. */
export type BulkAdmitted =
  /** `queue`: what is planned already; `cursor`: where the listing that is to plan the rest begins, null: there is none. */
  | {
      decided: 'accepted';
      locks: HeldPrefixLock[];
      /** The name of what others hold, which the job does without; absent: nothing. */
      lockedPlaces?: string;
      queue: CarriedQueue;
      cursor: ListingCursor | 'start' | null;
    }
  /** Nothing is to be copied: the request is refused, or the job was cancelled before it was decided. */
  | { decided: 'over' }
  /** The correlation id belongs to an earlier job, whose outcome and end the book has taken over. */
  | { decided: 'before' };

/**
 * Decides a bulk request: whose correlation id it is, access, for lists the sense of every line, then all prefix locks
 * or none (or, with `onLocked: skip`, those it can take). A job that is told to stop while its list is read, or while it
 * waits for locks, is accepted, and copies nothing.
 */
export async function admitBulk(
  book: BulkBook,
  gate: CopyGate,
  owner: JobOwner,
  input: CopyFilesInput<BulkRequest>,
): Promise<BulkAdmitted> {
  const { taskQueue } = workflowInfo();
  const { bulk: source, options } = input.request;
  // A list is read to its end first; a prefix is decided as quickly as a short list.
  const isQuick = !hasList(source);
  const reading = new CancellationScope();
  const stopReading = () => {
    if (book.isCancelling) reading.cancel();
  };
  gate.watch(stopReading);
  stopReading();
  const admitOnce = (task: BulkAdmissionTask, isFirst: boolean) =>
    isQuick
      ? beginLocally({ isFirst, summary: 'admit a prefix' }, ({ admitBulk }) => admitBulk(task))
      : reading.run(() => planning('read the list and admit it').admitBulk(task));
  const waiting = new LockWait(book, options);
  let plan: BulkAdmissionTask['plan'];
  for (let isFirst = true; ; isFirst = false) {
    let verdict: BulkVerdict;
    try {
      verdict = await admitOnce({ owner, taskQueue, input, ...(plan !== undefined && { plan }) }, isFirst);
    } catch (error) {
      // It was cancelled before it began, or as it read; or it is lost, and is not tried again once it is cancelled.
      if (!reading.consideredCancelled || !(isCancellation(error) || error instanceof ActivityFailure)) throw error;
      return await giveUp(book, { owner, taskQueue, input });
    }
    switch (verdict.verdict) {
      case 'taken':
        book.adopt(verdict.outcome, verdict.status);
        return { decided: 'before' };
      case 'refused':
        book.recordGeneration = verdict.recordGeneration;
        book.decide(verdict.admission, null);
        return { decided: 'over' };
      case 'accepted':
        book.explain('');
        return accept(book, verdict);
      case 'locked':
        plan = verdict.plan;
        book.recordGeneration = verdict.recordGeneration;
    }
    if (waiting.isOver) {
      book.decide({ decision: 'locked', files: verdict.files }, requestedOf(plan));
      return { decided: 'over' };
    }
    await waiting.pause(countOf(verdict.files.length, 'file or prefix', 'files or prefixes'), verdict.holders);
    if (book.isCancelling) {
      book.explain('');
      const accepted = accept(book, { plan, locks: [], recordGeneration: verdict.recordGeneration });
      book.cancelRest();
      return accepted;
    }
  }
}

/** Ends a request that nobody decides any more: nothing of it is held, and what is planned of it is cancelled. */
async function giveUp(book: BulkBook, task: Parameters<Activities['giveUpAdmission']>[0]): Promise<BulkAdmitted> {
  const given = await locallyFirst('give the admission up', ({ giveUpAdmission }) => giveUpAdmission(task));
  if (given.verdict === 'taken') {
    book.adopt(given.outcome, given.status);
    return { decided: 'before' };
  }
  book.recordGeneration = given.recordGeneration;
  book.plan(given.planned);
  // Behind the list that goes before a listing there may be any number of files.
  book.decide({ decision: 'accepted' }, task.input.request.bulk.kind === 'collection' ? null : given.planned);
  book.cancelRest();
  book.leaveUnread();
  return { decided: 'over' };
}

/** How many files are asked for; null where that is not known before all are listed. */
function requestedOf({ requested, behind }: BulkPlan): number | null {
  return behind === undefined ? requested : null;
}

type Acceptance = Omit<Extract<BulkVerdict, { verdict: 'accepted' }>, 'verdict'>;

function accept(
  book: BulkBook,
  { plan, locks, lockedPlaces, listed, recordGeneration }: Pick<Acceptance, 'plan' | 'locks'> & Partial<Acceptance>,
): BulkAdmitted {
  book.collections = plan.collections;
  book.recordGeneration = recordGeneration;
  const held = { locks, ...(lockedPlaces !== undefined && { lockedPlaces }) };
  // Of a list everything is known; of a prefix what admission has listed, if it has: all of it, where that is not much.
  if (plan.chunks !== null) {
    const { behind = null } = plan;
    book.plan(plan.requested ?? 0);
    book.decide({ decision: 'accepted' }, requestedOf(plan));
    return { decided: 'accepted', ...held, queue: { planned: plan.chunks, next: 0, left: [] }, cursor: behind };
  }
  const { chunks, cursor } = listed ?? ({ chunks: [], cursor: 'start' } as const);
  for (const { count } of chunks) book.plan(count);
  const requested = cursor === null ? chunks.reduce((sum, { count }) => sum + count, 0) : null;
  book.decide({ decision: 'accepted' }, requested);
  const generations = chunks.flatMap(({ generation }) => generation ?? []);
  return { decided: 'accepted', ...held, queue: { planned: chunks.length, next: 0, left: [], generations }, cursor };
}
