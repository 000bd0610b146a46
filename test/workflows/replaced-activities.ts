import { Context } from '@temporalio/activity';
import { ApplicationFailure, type Duration } from '@temporalio/common';
import type { Access, AccessTask } from '../../activities/access/check-access.ts';
import type { Claim, ClaimTask } from '../../activities/record/claim-job.ts';
import type { Activities, BulkVerdict, Verdict } from '../../activities/index.ts';
import type { CloseRecordTask } from '../../activities/record/job-record.ts';
import type { PrefixLocking, PrefixLockTask } from '../../activities/locks/lock-prefixes.ts';
import type { PrefixReleaseTask } from '../../activities/locks/release-locks.ts';
import type { Locking, LockTask } from '../../activities/locks/take-locks.ts';
import type { FileOutcome } from '../../contract/file-outcome.ts';
import type { JobStatus, LockedFile } from '../../contract/messages.ts';
import { noSweepCounts } from '../../contract/upkeep.ts';
import { isRetryable, reason, type ReasonCode } from '../../contract/reasons.ts';

/** What `admitJob`, `admitBulk` and `closeJob` do, step by step, so that a test may replace one of them. */
interface AdmissionSteps {
  claimJob(task: ClaimTask): Promise<Claim>;
  checkAccess(task: AccessTask): Promise<Access>;
  takeLocks(task: LockTask): Promise<Locking>;
  lockPrefixes(task: PrefixLockTask): Promise<PrefixLocking>;
  releasePrefixLocks(task: PrefixReleaseTask): Promise<void>;
  closeRecord(task: CloseRecordTask): Promise<JobStatus | undefined>;
}

type Replaceable = Activities & AdmissionSteps;
type Name = keyof Replaceable;
type Task<N extends Name> = Parameters<Replaceable[N]>[0];
type CopyFileTask = Task<'copyFile'>;

/** Activities that do nothing but say so. */
export interface Replaced {
  activities: Replaceable;
  /** `begin claimJob`, `end claimJob`, …, in the order in which it happened; copies with the name of their file. */
  story: string[];
  /** What an activity was called with, each time. */
  tasksOf<N extends Name>(name: N): Task<N>[];
}

/** Activities by which every job is accepted and every file copied, except for those given. */
export function replaceActivities(overrides: Partial<Replaceable> = {}): Replaced {
  const story: string[] = [];
  const calls: { name: Name; task: unknown }[] = [];
  const admitJob: Activities['admitJob'] = (task) => decide(steps, task);
  const admitBulk: Activities['admitBulk'] = (task) => decideBulk(steps, task);
  const closeJob: Activities['closeJob'] = (task) => close(steps, task);
  const told = Object.entries({ ...willing, admitJob, admitBulk, closeJob, ...overrides }).map(([name, activity]) => {
    const run = activity as (task: unknown) => Promise<unknown>;
    const tell = async (task: unknown) => {
      const call = { name, task };
      const line = isCopyFileTask(call) ? `${name} ${call.task.destination.name}` : name;
      calls.push({ name: name as Name, task });
      story.push(`begin ${line}`);
      try {
        return await run(task);
      } finally {
        story.push(`end ${line}`);
      }
    };
    return [name, tell] as const;
  });
  const steps = Object.fromEntries(told) as unknown as Replaceable;
  return {
    activities: steps,
    story,
    tasksOf: <N extends Name>(name: N) => calls.filter((call) => call.name === name).map(({ task }) => task as Task<N>),
  };
}

function isCopyFileTask(call: {
  name: string;
  task: unknown;
}): call is { name: 'copyFile' | 'findCopy'; task: CopyFileTask } {
  return call.name === 'copyFile' || call.name === 'findCopy';
}

/** The verdict that the steps come to, as the activity finds it. */
async function decide(steps: AdmissionSteps, task: Parameters<Activities['admitJob']>[0]): Promise<Verdict> {
  const { owner, input } = task;
  const { entries, options } = input.request;
  const access = await steps.checkAccess({
    correlationId: owner.correlationId,
    requestor: input.requestor,
    entries,
  });
  const collections = access.granted ? access.collections : [];
  const claim = await steps.claimJob({ ...task, collections, isPlanned: access.granted });
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const { recordGeneration } = claim;
  if (!access.granted) return { verdict: 'refused', admission: access.admission, recordGeneration };
  if (options.dryRun === true) return { verdict: 'accepted', collections, locks: [], recordGeneration };
  const locking = await steps.takeLocks({ owner, entries, collections, skipLocked: options.onLocked === 'skip' });
  return locking.locked
    ? { verdict: 'accepted', collections, locks: locking.locks, recordGeneration }
    : { verdict: 'locked', collections, ...locking, recordGeneration };
}

/** A prefix whose chunks are to be listed, or a list of 25 files in three chunks. */
export async function decideBulk(
  steps: AdmissionSteps,
  task: Parameters<Activities['admitBulk']>[0],
): Promise<BulkVerdict> {
  const { owner, input } = task;
  const { bulk: source, options } = input.request;
  const claim = await steps.claimJob({ ...task, collections: [], isPlanned: false });
  if (!claim.claimed) return { verdict: 'taken', outcome: claim.outcome, status: claim.status };
  const to = { collectionId: 'to', bucket: 'bucket-to', prefix: '', generation: '1' };
  const from = { ...to, collectionId: 'from', bucket: 'bucket-from' };
  const known = source.kind === 'collection' ? { chunks: null, requested: null } : { chunks: 3, requested: 25 };
  const prefixes = [{ bucket: 'bucket-to', prefix: '2026/' }];
  const sources = [{ bucket: 'bucket-from', prefix: '2026/' }];
  const plan = task.plan ?? { collections: [from, to], ...known, prefixes, sources };
  const { recordGeneration } = claim;
  if (options.dryRun === true) return { verdict: 'accepted', plan, locks: [], recordGeneration };
  const skipLocked = options.onLocked === 'skip';
  const locking = await steps.lockPrefixes({ owner, prefixes, sources, collections: plan.collections, skipLocked });
  if (!locking.locked) return { verdict: 'locked', plan, ...locking, recordGeneration };
  const kept = locking.others && { lockedPlaces: `the ${locking.others.length} places` };
  return { verdict: 'accepted', plan, locks: locking.locks, recordGeneration, ...kept };
}

/** An activity that fails in passing wherever it is local; `began`: of each attempt, whether it was. */
export function inVainLocally<Task, Result>(activity: (task: Task) => Promise<Result>) {
  const began: boolean[] = [];
  const attempt = async (task: Task): Promise<Result> => {
    const { isLocal } = Context.current().info;
    began.push(isLocal);
    if (isLocal) throw failed('STORAGE_UNAVAILABLE', 'no credentials for Cloud Storage can be had');
    return await activity(task);
  };
  return { activity: attempt, began };
}

/** The end of a job, step by step. */
async function close(
  steps: AdmissionSteps & Activities,
  task: Parameters<Activities['closeJob']>[0],
): Promise<JobStatus | undefined> {
  const { results, locks, prefixLocks, closing } = task;
  const { owner } = closing;
  if (results !== undefined) await steps.saveResults(results);
  if (locks !== undefined) await steps.releaseLocks({ owner, locks });
  if (prefixLocks !== undefined) await steps.releasePrefixLocks({ owner, locks: prefixLocks });
  return await steps.closeRecord(closing);
}

const willing: Omit<Replaceable, 'admitJob' | 'admitBulk' | 'closeJob'> = {
  claimJob: () => Promise.resolve({ claimed: true, recordGeneration: '3000' }),
  checkAccess: ({ entries }) => {
    const ids = new Set(entries.flatMap((entry) => [entry.sourceCollectionId, entry.destinationCollectionId]));
    const collections = Array.from(ids, (collectionId) => ({
      collectionId,
      bucket: `bucket-${collectionId}`,
      prefix: '',
      generation: '1',
    }));
    return Promise.resolve({ granted: true, collections });
  },
  takeLocks: ({ entries }) => {
    const locks = entries.map((_, index) => ({ generation: String(1_000 + index), createdAt: 1_700_000_000_000 }));
    return Promise.resolve({ locked: true, locks });
  },
  lockPrefixes: ({ prefixes }) => {
    const lock = (index: number) => ({ generation: String(2_000 + index), createdAt: 1_700_000_000_000 });
    return Promise.resolve({ locked: true, locks: prefixes.map((prefix, index) => ({ ...prefix, ...lock(index) })) });
  },
  giveUpAdmission: () => Promise.resolve({ verdict: 'givenUp', planned: 0, recordGeneration: '3000' }),
  planListing: () => Promise.resolve({ chunks: [], cursor: null }),
  countPlanned: () => Promise.resolve(0),
  copyFile: () => Promise.resolve(completed()),
  copyChunk: () => Promise.reject(new Error('this workflow has no chunks')),
  findCopies: () => Promise.reject(new Error('this workflow has no chunks')),
  findCopy: () => Promise.resolve(null),
  previewFiles: ({ files }) =>
    Promise.resolve(files.map(() => completed({ state: 'Skipped', message: 'DRY_RUN: would be copied, 7 bytes' }))),
  saveResults: () => Promise.resolve(),
  releaseLocks: () => Promise.resolve(),
  releasePrefixLocks: () => Promise.resolve(),
  closeRecord: () => Promise.resolve(undefined),
  fenceJob: () =>
    Promise.resolve({
      found: 'lost',
      endedAt: 1_700_000_000_000,
      wasBegun: true,
      locks: 2,
      isBulk: false,
    }),
  settleFiles: () => Promise.resolve({ unresolved: 2, copied: 1 }),
  settleChunks: () => Promise.resolve({ unresolved: 0, copied: 0, next: null }),
  releaseJobLocks: () => Promise.resolve(),
  closeLostJob: () => Promise.resolve(),
  sweepJobs: () => Promise.resolve({ counts: noSweepCounts(), after: null }),
  sweepLocks: () => Promise.resolve({ counts: noSweepCounts(), after: null }),
};

/** A file of 7 bytes that was copied. */
export function completed(more: Partial<FileOutcome> = {}): FileOutcome {
  return {
    state: 'Completed',
    message: '',
    size: 7,
    crc32c: 'AAAAAA==',
    generation: '2',
    sourceGeneration: '1',
    retryCount: 0,
    ...more,
  };
}

/** The answer of takeLocks where another job holds these files. */
export function othersHold(files: LockedFile[]): Extract<Locking, { locked: false }> {
  return { locked: false, files, holders: ['job 00000000-0000-4000-8000-000000000000'] };
}

/**
 * What the activities throw: the type is the reason's code, the detail the number of retries so far. `nextRetryDelay`:
 * the pause before the next attempt, instead of that of the retry policy.
 */
export function failed(
  code: ReasonCode,
  sentence: string,
  { retries = 0, nextRetryDelay }: { retries?: number; nextRetryDelay?: Duration } = {},
): ApplicationFailure {
  return ApplicationFailure.create({
    message: reason(code, sentence),
    type: code,
    nonRetryable: !isRetryable(code),
    details: [retries],
    ...(nextRetryDelay !== undefined && { nextRetryDelay }),
  });
}

/** The same as the last of all attempts: Temporal does not try again. */
export function failedForGood(code: ReasonCode, sentence: string, { retries = 24 } = {}): ApplicationFailure {
  return ApplicationFailure.create({
    message: reason(code, sentence),
    type: code,
    nonRetryable: true,
    details: [retries],
  });
}

/**
 * Waits, with heartbeats as a copy sends them, until the attempt is cancelled or what is given has happened. A hundred
 * that ask as often as one would keep Temporal from anything else on a slow machine.
 */
export async function untilCancelled(
  other: Promise<void> = new Promise(() => undefined),
  askEveryMs = 50,
): Promise<void> {
  const { cancellationSignal, heartbeat } = Context.current();
  const timer = setInterval(() => {
    heartbeat();
  }, askEveryMs);
  try {
    if (cancellationSignal.aborted) return;
    const cancelled = new Promise((resolve) => {
      cancellationSignal.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([cancelled, other]);
  } finally {
    clearInterval(timer);
  }
}

/** A door that is closed until the test opens it. */
export function gate(): { passed: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    passed: promise,
    open: () => {
      resolve(undefined);
    },
  };
}
