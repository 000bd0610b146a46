import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import {
  COPY_WORKFLOW,
  PAUSE_SIGNAL,
  RECONCILE_WORKFLOW,
  RESUME_SIGNAL,
  STATUS_QUERY,
  sweepByHandId,
  SWEEP_WORKFLOW,
} from '../../contract/ids.ts';
import type { CopyOptions, JobStatus } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import { reconcileOptions } from '../../contract/upkeep.ts';
import type { TestWorkerOptions } from '../support/temporal-worker.ts';
import {
  completed,
  failed,
  failedForGood,
  othersHold,
  replaceActivities,
  untilCancelled,
  type Replaced,
} from '../workflows/replaced-activities.ts';
import { bulkRequest, chunksOf, COLLECTION, copied, MANIFEST, outOfTime } from '../workflows/bulk-support.ts';
import { eventually, requestFor, type Job, type Jobs } from '../workflows/support.ts';

/** A workflow whose history is kept. */
export type Recorded = Pick<Job, 'id'> & { handle: WorkflowHandle };

/** A kind of job whose history is kept. */
interface RecordedJob {
  replaced: Replaced;
  /** Starts the job and does to it what makes it of this kind. */
  run: (jobs: Jobs) => Promise<Recorded>;
  options?: TestWorkerOptions;
}

/** The kinds of jobs, by the name of their file. Small ones: what is replayed is the way, not the size. */
export function recordedJobs(): Record<string, RecordedJob> {
  return {
    completed: { replaced: replaceActivities(), run: admit },
    'partly-failed': { replaced: someFail(), run: admit },
    failed: {
      replaced: replaceActivities({ copyFile: () => Promise.reject(failed('RETENTION_POLICY', 'held')) }),
      run: admit,
    },
    'rejected-forbidden': { replaced: refused({ decision: 'forbidden', message: 'ACCESS_DENIED: no' }), run: admit },
    'rejected-invalid': {
      replaced: refused({ decision: 'invalid', errors: [{ path: 'copyFileCollectionData[0]', message: 'wrong' }] }),
      run: admit,
    },
    'rejected-locked': {
      replaced: replaceActivities({ takeLocks: () => Promise.resolve(othersHold(LOCKED)) }),
      run: admit,
    },
    'claim-taken': { replaced: claimTaken(), run: admit },
    cancelled: cancelled((job) => job.cancel()),
    'cancelled-natively': cancelled((job) => job.handle.cancel()),
    'cancelled-undecided': {
      replaced: replaceActivities(),
      async run(jobs) {
        const job = await jobs.start(requestFor('a', 'b'));
        await job.cancel();
        await jobs.worker.start();
        return job;
      },
      options: { started: false },
    },
    paused: paused(),
    // Its history is of before later tries were tasks, and is kept as it is.
    'waited-for-locks': { replaced: lockedAtFirst(), run: (jobs) => start(jobs, ['a', 'b'], { onLocked: 'wait' }) },
    'waited-for-locks-by-tasks': {
      replaced: lockedAtFirst(),
      run: (jobs) => start(jobs, ['a', 'b'], { onLocked: 'wait' }),
    },
    'begun-before': { replaced: begunBefore(), run: admit },
    'skipped-locked': { replaced: oneLocked(), run: (jobs) => start(jobs, ['a', 'b'], { onLocked: 'skip' }) },
    retried: retried(),
    'terminated-reconciled': terminatedReconciled(),
    swept: { replaced: replaceActivities(), run: sweepOnce },
    'bulk-listed': {
      replaced: replaceActivities(chunksOf(24)),
      run: async (jobs) => (await jobs.admit(bulkRequest(COLLECTION))).job,
      options: { bulk: true },
    },
    'bulk-left-over': { replaced: leftOver(), run: bulkManifest, options: { bulk: true } },
    'bulk-told-by-memo': { replaced: leftOver(), run: bulkManifest, options: { bulk: true } },
    'bulk-paused-and-cancelled': bulkStopped(),
    // Its history is of before a job that is paused had its lost passes looked at, and is kept as it is.
    'bulk-lost-in-pause': bulkLostInPause(),
    'bulk-found-in-pause': bulkLostInPause(),
    // Their histories are of before the message told what there is to tell, and are kept as they are.
    'bulk-continued-as-paused': bulkContinuedAsPaused(),
    'bulk-left-over-and-explained': bulkLeftOverAndExplained(),
    'bulk-left-over-and-over': bulkLeftOverAndExplained(),
    'bulk-cancelled-as-read': bulkCancelledAsRead(),
    'bulk-cancelled-as-listed': bulkCancelledAsListed(),
    // Its history is of before it was told that no more is listed, and is kept as it is.
    'bulk-source-lost': bulkSourceLost(),
    'bulk-source-lost-and-told': bulkSourceLost(),
    // Its history is of before a job went on at once with what it had no time for, and is kept as it is.
    'bulk-out-of-time-and-put-off': bulkOutOfTime(),
    'bulk-out-of-time': bulkOutOfTime(),
    'dry-run': { replaced: replaceActivities(), run: (jobs) => start(jobs, ['a', 'b'], { dryRun: true }) },
  };
}

async function bulkManifest(jobs: Jobs): Promise<Job> {
  return (await jobs.admit(bulkRequest(MANIFEST))).job;
}

/** A chunk of which two files take another pass. */
function leftOver(): Replaced {
  return replaceActivities({
    copyChunk: ({ chunk, part }) => Promise.resolve(chunk === 1 && part === 0 ? copied(8, [18, 19]) : copied(10)),
  });
}

/** A job whose rate leaves files of its chunks to further passes. */
function bulkOutOfTime(): RecordedJob {
  const replaced = replaceActivities({
    ...chunksOf(2),
    copyChunk: ({ part, only }) =>
      Promise.resolve(part === 0 ? outOfTime(8, [8, 9]) : copied(only?.length ?? 10)),
  });
  return {
    replaced,
    run: async (jobs) => (await jobs.admit(bulkRequest(COLLECTION, { maxFilesPerSecond: 0.01 }))).job,
    options: { bulk: true },
  };
}

/** A job of chunks that stop when they are told to: paused, resumed and cancelled. */
function bulkStopped(): RecordedJob {
  const replaced = replaceActivities({
    ...chunksOf(3),
    copyChunk: async () => {
      await untilCancelled();
      return copied(4, [4, 5, 6, 7, 8, 9]);
    },
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 3);
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => (await job.status()).counts.completed === 12);
      await job.handle.signal(RESUME_SIGNAL);
      await eventually(() => replaced.tasksOf('copyChunk').length === 6);
      await job.cancel();
      return job;
    },
    options: { bulk: true },
  };
}

/** A job that is paused as the pass over its only chunk is lost, and goes on. */
function bulkLostInPause(): RecordedJob {
  let isLost = false;
  const replaced = replaceActivities({
    ...chunksOf(1),
    copyChunk: async ({ only }) => {
      if (isLost) return copied(only?.length ?? 10);
      await untilCancelled();
      isLost = true;
      throw new CancelledFailure('nobody knows what it did');
    },
    findCopies: () => Promise.resolve(copied(4, [4, 5, 6, 7, 8, 9])),
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(() => replaced.tasksOf('copyChunk').length === 1);
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => isLost && (await job.status()).state === 'Paused');
      await eventually(async () => {
        const { counts, underWay } = await job.status();
        return counts.completed === 4 || underWay?.[0]?.isUncertain === true;
      });
      await job.handle.signal(RESUME_SIGNAL);
      return job;
    },
    options: { bulk: true },
  };
}

/** A job that is paused before the first task of a run that it has continued as. */
function bulkContinuedAsPaused(): RecordedJob {
  const input = bulkRequest(COLLECTION);
  const counts = { ...emptyCounts(20), completed: 20, pending: 0, bytes: 140 };
  const status = { correlationId: '', state: 'Processing', counts, startedAt: input.receivedAt, endedAt: null, message: '' };
  const outcome = { caller: 'alice', digest: 'd'.repeat(64), requested: null, admission: { decision: 'accepted' } };
  const collections = ['from', 'to'].map((name) => ({ collectionId: name, bucket: `bucket-${name}`, prefix: '' }));
  const carried = {
    locks: [],
    book: { status, isPaused: false, outcome, collections },
    copying: {
      queue: { planned: 2, next: 2, left: [] },
      cursor: { startOffset: 'file-20', nextChunk: 2, nextIndex: 20 },
    },
  };
  return {
    replaced: replaceActivities(chunksOf(4)),
    async run(jobs) {
      const { taskQueue } = jobs.worker;
      const job = await jobs.other(COPY_WORKFLOW, { workflowId: randomUUID(), taskQueue, args: [input, carried] });
      await job.handle.signal(PAUSE_SIGNAL);
      await jobs.worker.start();
      await eventually(async () => (await job.handle.query<JobStatus>(STATUS_QUERY)).state === 'Paused');
      await job.handle.signal(RESUME_SIGNAL);
      return job;
    },
    options: { bulk: true, started: false },
  };
}

/** A chunk of which two files take another pass, and one that is copied after that. */
function bulkLeftOverAndExplained(): RecordedJob {
  const { promise: isExplained, resolve: goOn } = Promise.withResolvers<undefined>();
  const replaced = replaceActivities({
    ...chunksOf(2),
    copyChunk: async ({ chunk, part, only }) => {
      if (chunk === 1) await isExplained;
      return chunk === 0 && part === 0 ? copied(8, [8, 9]) : copied(only?.length ?? 10);
    },
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => (await job.status()).counts.completed === 10);
      goOn(undefined);
      return job;
    },
    options: { bulk: true },
  };
}

/** A list whose reading says nothing of it once it is told to stop. */
function bulkCancelledAsRead(): RecordedJob {
  const replaced = replaceActivities({
    async admitBulk() {
      await untilCancelled();
      throw new CancelledFailure('the job was cancelled meanwhile');
    },
    giveUpAdmission: () => Promise.resolve({ verdict: 'givenUp', planned: 20, recordGeneration: '7' }),
  });
  return {
    replaced,
    async run(jobs) {
      const job = await jobs.start(bulkRequest(MANIFEST));
      await eventually(() => replaced.tasksOf('admitBulk').length === 1);
      await job.cancel();
      return job;
    },
    options: { bulk: true },
  };
}

/** A prefix of which a chunk is copied, and more are listed. */
function bulkCancelledAsListed(): RecordedJob {
  const chunks = chunksOf(2);
  const replaced = replaceActivities({
    ...chunks,
    async planListing(task) {
      if (task.cursor !== null) await untilCancelled();
      return task.cursor === null ? await chunks.planListing(task) : { chunks: [], cursor: task.cursor };
    },
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => (await job.status()).counts.completed === 10);
      await eventually(() => replaced.tasksOf('planListing').length === 2);
      await job.cancel();
      return job;
    },
    options: { bulk: true },
  };
}

/** A prefix that cannot be listed any further while what is listed is copied. */
function bulkSourceLost(): RecordedJob {
  const { promise: sourceIsLost, resolve: goOn } = Promise.withResolvers<undefined>();
  const chunks = chunksOf(2);
  const replaced = replaceActivities({
    ...chunks,
    planListing: (task) =>
      task.cursor === null ? chunks.planListing(task) : Promise.reject(failed('STORAGE_FORBIDDEN', 'no')),
    copyChunk: async () => {
      await sourceIsLost;
      return copied(10);
    },
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(bulkRequest(COLLECTION));
      await eventually(async () => {
        const { events = [] } = await job.handle.fetchHistory();
        const failedAt = events?.findIndex((event) => event.activityTaskFailedEventAttributes) ?? -1;
        // The workflow has heard of it.
        return failedAt >= 0 && events?.slice(failedAt).some((event) => event.workflowTaskCompletedEventAttributes);
      });
      goOn(undefined);
      return job;
    },
    options: { bulk: true },
  };
}

/** The second job of two: of the file that the first one failed to copy. */
function retried(): RecordedJob {
  let isMended = false;
  const replaced = replaceActivities({
    copyFile: ({ source: { name } }) =>
      name === 'a' || isMended
        ? Promise.resolve(completed())
        : Promise.reject(failed('SOURCE_NOT_FOUND', `${name} does not exist`)),
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      await job.result();
      isMended = true;
      return (await jobs.admit(requestFor('b'))).job;
    },
  };
}

/** Of a job that was terminated half way: what is kept is the history of the workflow that settles it. */
function terminatedReconciled(): RecordedJob {
  const replaced = replaceActivities({
    copyFile: async ({ source: { name } }) => {
      if (name === 'a') return completed();
      await untilCancelled();
      return completed({ state: 'Cancelled', size: null });
    },
  });
  return {
    replaced,
    async run(jobs) {
      const job = await admit(jobs);
      await eventually(async () => (await job.status()).counts.completed === 1);
      await job.handle.terminate('ended by force');
      return await jobs.other(RECONCILE_WORKFLOW, reconcileOptions(job.id, jobs.worker.taskQueue));
    },
  };
}

async function sweepOnce(jobs: Jobs): Promise<Recorded> {
  const { taskQueue } = jobs.worker;
  return await jobs.other(SWEEP_WORKFLOW, { workflowId: sweepByHandId(taskQueue), taskQueue, args: [] });
}

const LOCKED = [{ collectionId: 'to', fileName: 'b' }];

async function admit(jobs: Jobs): Promise<Job> {
  return (await jobs.admit(requestFor('a', 'b', 'c'))).job;
}

async function start(jobs: Jobs, names: string[], options: Partial<CopyOptions> = {}): Promise<Job> {
  const input = requestFor(...names);
  Object.assign(input.request.options, options);
  return await jobs.start(input);
}

/** One file is copied; one fails for good; one fails in all attempts, and is looked for. */
function someFail(): Replaced {
  return replaceActivities({
    copyFile: ({ source: { name } }) => {
      if (name === 'a') return Promise.resolve(completed());
      if (name === 'b') return Promise.reject(failed('SOURCE_NOT_FOUND', 'b does not exist'));
      return Promise.reject(failedForGood('STORAGE_UNAVAILABLE', 'no answer'));
    },
  });
}

function refused(admission: { decision: 'forbidden'; message: string } | InvalidAdmission): Replaced {
  return replaceActivities({ checkAccess: () => Promise.resolve({ granted: false, admission }) });
}

interface InvalidAdmission {
  decision: 'invalid';
  errors: { path: string; message: string }[];
}

function claimTaken(): Replaced {
  return replaceActivities({
    claimJob: ({ owner: { correlationId } }) => {
      const counts = { ...emptyCounts(1), completed: 1, pending: 0, bytes: 7 };
      return Promise.resolve({
        claimed: false,
        outcome: { caller: 'bob', digest: 'e'.repeat(64), requested: 1, admission: { decision: 'accepted' } },
        status: { correlationId, state: 'Completed', counts, startedAt: 1, endedAt: 2, message: '' },
      });
    },
  });
}

/** Stopped with one file copied and two in flight, one of which is copied all the same. */
function cancelled(cancel: (job: Job) => Promise<unknown>): RecordedJob {
  const replaced = replaceActivities({
    copyFile: async ({ source: { name } }) => {
      if (name === 'a') return completed();
      await untilCancelled();
      return name === 'b' ? completed() : completed({ state: 'Cancelled', size: null });
    },
  });
  return {
    replaced,
    async run(jobs) {
      const job = await admit(jobs);
      await eventually(async () => (await job.status()).counts.completed === 1);
      await cancel(job);
      return job;
    },
  };
}

/** Paused with a file in flight, which is begun again when the job goes on. */
function paused(): RecordedJob {
  let isResumed = false;
  const replaced = replaceActivities({
    copyFile: async ({ source: { name } }) => {
      if (name === 'a' || isResumed) return completed();
      await untilCancelled();
      return completed({ state: 'Cancelled', size: null });
    },
  });
  return {
    replaced,
    async run(jobs) {
      const { job } = await jobs.admit(requestFor('a', 'b'));
      await eventually(async () => (await job.states())['b'] === 'Processing');
      await job.handle.signal(PAUSE_SIGNAL);
      await eventually(async () => (await job.states())['b'] === 'Requested');
      isResumed = true;
      await job.handle.signal(RESUME_SIGNAL);
      return job;
    },
  };
}

function lockedAtFirst(): Replaced {
  let tries = 0;
  const willing = replaceActivities().activities;
  return replaceActivities({
    takeLocks: (task) => (++tries < 3 ? Promise.resolve(othersHold(LOCKED)) : willing.takeLocks(task)),
  });
}

/** A local attempt finds that another one has begun to decide the job. */
function begunBefore(): Replaced {
  const willing = replaceActivities().activities;
  return replaceActivities({
    admitJob: async (task) => {
      const { isLocal } = Context.current().info;
      if (isLocal) throw failedForGood('WORKER_LOST', 'another attempt has begun to decide this job', { retries: 0 });
      return await willing.admitJob(task);
    },
  });
}

function oneLocked(): Replaced {
  return replaceActivities({
    takeLocks: () => Promise.resolve({ locked: true, locks: [{ generation: '1', createdAt: 1 }, null] }),
  });
}
