/** What is done about jobs from outside: settling one that was ended by force, and the sweep. */
import { reconcileId } from './ids.ts';

/**
 * A lock whose job Temporal does not know is not stale where it is younger, in milliseconds: its maker was certainly
 * running when it made it, and Temporal may be behind (a standby that took over, say).
 */
export const MIN_AGE_OF_UNKNOWN_LOCK_MS = 10_000;

/**
 * In the same way, the record of such a job is not settled where it is younger. Half of what a lock gets: before the
 * job's locks count as stale, and others are let at its files, its settling may begin.
 */
export const MIN_AGE_OF_UNKNOWN_RECORD_MS = MIN_AGE_OF_UNKNOWN_LOCK_MS / 2;

/**
 * How old the last look at a lock may be when something is written under it, in milliseconds. Heartbeats that go out are
 * not always heard: a worker that Temporal cannot hear goes on until it sees that its lock was given to others.
 */
export const LOOK_VALID_MS = 3_000;

/**
 * How long after a job's locks were taken from it a write may still come in, in milliseconds: storage has to answer what
 * was sent by the last look. Most workers hear of the end within 250 ms; this is for one that Temporal cannot hear.
 */
export const LATE_WRITES_MS = LOOK_VALID_MS + 1_000;

/** Argument of the workflow `reconcile`. */
export interface ReconcileInput {
  correlationId: string;
}

/**
 * How a reconciliation ended: the job is settled now; it had been before (its record is closed, or there is none); it
 * was not ended by force at all, its workflow runs (or is of another namespace, which cannot be asked).
 */
export type Reconciliation = 'reconciled' | 'settled' | 'running';

/**
 * How a job's reconciliation is started. Whoever notices first starts it, others find it running; once it has ended,
 * however it did, it may be started again. It goes before the copying of other jobs, since somebody waits for it.
 */
export function reconcileOptions(correlationId: string, taskQueue: string) {
  const args: [ReconcileInput] = [{ correlationId }];
  return {
    workflowId: reconcileId(correlationId),
    taskQueue,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    priority: { priorityKey: 1 },
    staticSummary: `settle job ${correlationId}, which was ended by force`,
  };
}

/** What a sweep has looked at, and what it did about it. */
export interface SweepCounts {
  /** Folders of jobs that were looked at. */
  jobs: number;
  /** Records deleted, with all that belonged to them, since they were older than the retention. */
  expired: number;
  /** Folders without a record whose content was deleted. */
  orphaned: number;
  /** Jobs that were ended by force, whose reconciliation was started. */
  lost: number;
  /** Locks that were looked at. */
  locks: number;
  /** Locks removed, whose job no longer runs. */
  stale: number;
}

export function noSweepCounts(): SweepCounts {
  return { jobs: 0, expired: 0, orphaned: 0, lost: 0, locks: 0, stale: 0 };
}

export function addSweepCounts(one: SweepCounts, other: SweepCounts): SweepCounts {
  return {
    jobs: one.jobs + other.jobs,
    expired: one.expired + other.expired,
    orphaned: one.orphaned + other.orphaned,
    lost: one.lost + other.lost,
    locks: one.locks + other.locks,
    stale: one.stale + other.stale,
  };
}

/** Where one run of the workflow `sweep` goes on for another; a sweep begins without. */
export interface SweepState {
  counts: SweepCounts;
  /** What is being looked at, from where on; `after` as the activity gave it. */
  at: { part: 'jobs' | 'locks'; after: string | null };
}
