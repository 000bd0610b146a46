import { condition } from '@temporalio/workflow';
import type { Activities, BulkVerdict, ListingCursor } from '../activities/index.ts';
import type { BulkRequest, CopyFilesInput, HeldPrefixLock, JobOwner } from '../contract/messages.ts';
import { reason } from '../contract/reasons.ts';
import { local, LOCK_WAIT_MS, LOCK_WAIT_PAUSES_MS, planning } from './activity-options.ts';
import type { BulkBook } from './bulk-book.ts';
import type { CarriedQueue } from './chunk-queue.ts';
import { countOf, showProgress } from './visibility.ts';

type BulkAdmissionTask = Parameters<Activities['admitBulk']>[0];

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
  | { decided: 'refused' }
  /** The correlation id belongs to an earlier job, whose outcome and end the book has taken over. */
  | { decided: 'before' };

/**
 * Decides a bulk request: whose correlation id it is, access, for lists the sense of every line, then all prefix locks
 * or none (or, with `onLocked: skip`, those it can take). A job that is told to stop while it waits for locks is accepted, and copies nothing.
 */
export async function admitBulk(
  book: BulkBook,
  owner: JobOwner,
  taskQueue: string,
  input: CopyFilesInput<BulkRequest>,
): Promise<BulkAdmitted> {
  const { bulk: source, options } = input.request;
  const { onLocked = 'reject' } = options;
  // A list is read to its end first; a prefix is decided as quickly as a short list.
  const isQuick = source.kind === 'collection';
  const admitOnce = (task: BulkAdmissionTask) =>
    isQuick ? local('admit a prefix').admitBulk(task) : planning('read the list and admit it').admitBulk(task);
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  let pauseMs = LOCK_WAIT_PAUSES_MS.first;
  let plan: BulkAdmissionTask['plan'];
  for (;;) {
    const verdict = await admitOnce({ owner, taskQueue, input, ...(plan !== undefined && { plan }) });
    switch (verdict.verdict) {
      case 'taken':
        book.adopt(verdict.outcome, verdict.status);
        return { decided: 'before' };
      case 'refused':
        book.decide(verdict.admission, null);
        return { decided: 'refused' };
      case 'accepted':
        book.explain('');
        return accept(book, verdict);
      case 'locked':
        plan = verdict.plan;
    }
    if (onLocked !== 'wait' || Date.now() >= giveUpAt) {
      book.decide({ decision: 'locked', files: verdict.files }, plan.requested);
      return { decided: 'refused' };
    }
    book.explain(
      reason(
        'FILE_LOCKED',
        `waiting for ${countOf(verdict.files.length, 'file or prefix', 'files or prefixes')} locked by ${verdict.holders.join(', ')}`,
      ),
    );
    showProgress(book);
    await condition(() => book.isCancelling, pauseMs);
    if (book.isCancelling) {
      book.explain('');
      const accepted = accept(book, { plan, locks: [] });
      book.cancelRest();
      return accepted;
    }
    pauseMs = Math.min(pauseMs * 2, LOCK_WAIT_PAUSES_MS.longest);
  }
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
    book.plan(plan.requested ?? 0);
    book.decide({ decision: 'accepted' }, plan.requested);
    return { decided: 'accepted', ...held, queue: { planned: plan.chunks, next: 0, left: [] }, cursor: null };
  }
  const { chunks, cursor } = listed ?? ({ chunks: [], cursor: 'start' } as const);
  for (const { count } of chunks) book.plan(count);
  const requested = cursor === null ? chunks.reduce((sum, { count }) => sum + count, 0) : null;
  book.decide({ decision: 'accepted' }, requested);
  const generations = chunks.flatMap(({ generation }) => generation ?? []);
  return { decided: 'accepted', ...held, queue: { planned: chunks.length, next: 0, left: [], generations }, cursor };
}
