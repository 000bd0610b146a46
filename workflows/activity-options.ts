import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  patched,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { bulkTaskQueue, controlTaskQueue } from '../contract/ids.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import { LATER_TRIES_ARE_TASKS } from './patches.ts';

/** Lock sets up to this size are taken and released inside a workflow task; larger ones get a task of their own. */
export const LOCAL_LOCKS_UP_TO = 100;

/** Files of one job that are copied, or wait to be, at a time. */
export const FILES_IN_FLIGHT = 100;

/** How long a job waits for files that others hold, in milliseconds. */
export const LOCK_WAIT_MS = 60 * 60 * 1_000;

/** Between two tries for locks, in milliseconds: doubling from the first to the second. */
export const LOCK_WAIT_PAUSES_MS = { first: 1_000, longest: 15_000 };

/** Files that one activity of a dry run looks at. */
export const PREVIEW_FILES = 100;

/** Attempts to copy a file that fails in a way that may pass. */
export const COPY_ATTEMPTS = 25;

/** Chunks of one job in flight: enough to fill the lanes of several workers. */
export const CHUNKS_IN_FLIGHT = 16;

/** Where a job has a rate, it is shared out among its chunks in flight: as many as have this share, in files a second. */
export const RATE_OF_A_CHUNK = 500;

/** Chunks that one activity lists, at most. */
const PLAN_CHUNKS = 20;

/**
 * Chunks that the next activity lists where so many are listed already: as many again and one more, up to as many as may
 * be. They are there before those are copied, however fast that is.
 */
export function chunksToList(listed: number): number {
  return Math.min(listed + 1, PLAN_CHUNKS);
}

/** Chunks that may be listed ahead of the copying. */
export const PLAN_AHEAD_CHUNKS = 60;

/** Passes over a chunk in which files may fail in a way that may pass; the next one is their last. */
export const CHUNK_TRIES = 12;

/** Between two passes over what is left of a chunk, in milliseconds: doubling, up to a minute. */
export function retryPauseMs(tries: number): number {
  return Math.min(1_000 * 2 ** (tries - 1), 60_000);
}

/** Results are stored at least this often while files are being copied. */
export const SAVE_RESULTS_EVERY = '5 seconds';

/**
 * Of what works on results and only looks. Temporal goes on handing tasks to a worker that is gone, or stopped, for as long
 * as its polls are open, and somebody waits for each of these.
 */
const CONTROL_HEARTBEAT = '5 seconds';

/**
 * Time-outs and retries, with their reasons.
 *
 * | activities            | runs     | time-out          | retries                                                         |
 * | --------------------- | -------- | ----------------- | --------------------------------------------------------------- |
 * | access, records, locks| locally, after 7 attempts as tasks | 20 s | for ever: an undecided job is safe, a wrongly decided one is not |
 * | large lock sets       | as tasks, on the control queue | heartbeat 10 s | for ever, for the same reason            |
 * | results, while copying| as tasks, on the control queue | 20 s, heartbeat 5 s | for ever: what is told of a job rests on them      |
 * | copyFile              | as tasks | heartbeat 10 s    | 25 times, about 20 minutes of failing storage                    |
 * | copyChunk, planning   | as tasks, on the bulk queue | heartbeat 10 s | for ever: files give up, one by one, after 12 passes |
 * | findCopies            | as tasks, on the bulk queue | heartbeat 10 s | for ever, as findCopy                                |
 * | findCopy              | as tasks, on the control queue | 20 s, heartbeat 5 s | for ever: a file's state is what storage says, nothing else      |
 * | previewFiles          | as tasks | heartbeat 10 s    | for ever: a dry run writes nothing                               |
 */

/**
 * Attempts at a local activity, which take 6 s where they fail at once. All of them are one worker's, and it may be that
 * one which cannot reach storage; and the pauses between more of them are events, of which a workflow has only so many.
 */
const LOCAL_ATTEMPTS = 7;

/**
 * Short work that somebody waits for: a local activity costs no round trip to Temporal (3 times faster, measured). The
 * summary is what the Web UI shows of it.
 */
function local(summary: string) {
  return proxyLocalActivities<Activities>({
    summary,
    startToCloseTimeout: '20 seconds',
    retry: {
      ...{ initialInterval: '100 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
      maximumAttempts: LOCAL_ATTEMPTS,
    },
    localRetryThreshold: '5 seconds',
  });
}

/** Has short work done locally and, where that fails again and again, by a task, which any worker may take. */
export async function locallyFirst<Result>(
  summary: string,
  act: (activities: Activities) => Promise<Result>,
  byTask: (summary: string) => Activities = storing,
): Promise<Result> {
  try {
    return await act(local(summary));
  } catch (error) {
    if (!isForTask(error)) throw error;
    return await act(byTask(summary));
  }
}

/**
 * Whether a local activity that failed is to be done by a task: its attempts are used up, or another one has begun before
 * (no local activity gives up for good with the code WORKER_LOST otherwise). What it failed with comes as it is, a time-out
 * of its last attempt as the cause of an ActivityFailure.
 */
function isForTask(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return true;
  if (!(cause instanceof ApplicationFailure)) return false;
  const code: ReasonCode = 'WORKER_LOST';
  return cause.type === code || cause.nonRetryable !== true;
}

/**
 * Has a local activity decide a request, and a task where that fails again and again, or where another attempt at it has
 * begun before: the worker that ran it is gone, or this one is late, and only of tasks does Temporal say which attempt is
 * the last. `isFirst`: no try before has left a record or a lock, so that there is a point in asking for a local one.
 */
export async function beginLocally<Verdict>(
  { isFirst, summary }: { isFirst: boolean; summary: string },
  decide: (activities: Activities) => Promise<Verdict>,
): Promise<Verdict> {
  if (!isFirst && patched(LATER_TRIES_ARE_TASKS)) return await decide(locking(summary));
  return await locallyFirst(summary, decide, locking);
}

/** What runs on the control queue, on workers' slots of its own. */
function onControlQueue(summary: string, options: ActivityOptions) {
  return proxyActivities<Activities>({
    ...{ summary, taskQueue: controlTaskQueue(workflowInfo().taskQueue) },
    ...options,
  });
}

/**
 * Results, while files are being copied: a local activity would keep a signal from the workflow for as long as storage
 * takes to answer, and a cancelled job has to stop within a second. And what one worker alone has tried in vain.
 */
export function storing(summary: string) {
  return onControlQueue(summary, {
    ...{ startToCloseTimeout: '20 seconds', heartbeatTimeout: CONTROL_HEARTBEAT },
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
  });
}

/** Finds out what became of a file. The end of a job waits for it. */
export function lookingUp(summary: string) {
  return onControlQueue(summary, {
    ...{ startToCloseTimeout: '20 seconds', heartbeatTimeout: CONTROL_HEARTBEAT },
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '60 seconds' },
  });
}

/** Work on many locks, on a whole job, or on a page of jobs: it takes longer than a workflow task should. */
export function locking(summary: string) {
  return onControlQueue(summary, {
    ...{ startToCloseTimeout: '10 minutes', heartbeatTimeout: '10 seconds' },
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  });
}

/**
 * A rewrite of a huge object between regions takes hours, so only heartbeats tell a slow copy from a dead worker. A
 * cancelled copy is waited for: requests already sent are never aborted.
 */
export const copying = proxyActivities<Activities>({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '60 seconds',
    maximumAttempts: COPY_ATTEMPTS,
  },
});

/** Looks at a hundred files at both sides, which takes long where storage is slow. */
export const previewing = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '60 seconds' },
});

/**
 * Work of bulk jobs, on workers' slots of its own. A chunk that is cancelled is waited for, and says what it did.
 * `activityId`: by which whoever describes the workflow knows it; Temporal chooses one where it is absent.
 */
export function bulk(summary: string, activityId?: string) {
  return proxyActivities<Activities>({ ...bulkOptions(summary), ...(activityId !== undefined && { activityId }) });
}

/**
 * What bulk jobs need before they have chunks to copy. It goes before all chunks, whosever they are: it takes no lane,
 * and while it waited there would be nothing for lanes to do.
 */
export function planning(summary: string) {
  return proxyActivities<Activities>({ ...bulkOptions(summary), priority: { priorityKey: 1 } });
}

function bulkOptions(summary: string): ActivityOptions {
  return {
    summary,
    taskQueue: bulkTaskQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '60 seconds' },
  };
}
