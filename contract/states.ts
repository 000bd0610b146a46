/** States of a file and of a job, and what follows from them. */

export const FILE_STATES = ['Requested', 'Processing', 'Completed', 'Skipped', 'Failed', 'Cancelled'] as const;

/** `Requested` and `Processing` are on the way; the other four are final and the truth about storage. */
export type FileState = (typeof FILE_STATES)[number];

/** A state no file leaves again. */
export type FinalFileState = Exclude<FileState, 'Requested' | 'Processing'>;

export const JOB_STATES = [
  'Requested',
  'Processing',
  'Paused',
  'Cancelling',
  'Completed',
  'CompletedWithErrors',
  'Failed',
  'Cancelled',
  'Terminated',
  'Rejected',
] as const;

export type JobState = (typeof JOB_STATES)[number];

/** A state no job leaves again. */
export type EndState = Exclude<JobState, 'Requested' | 'Processing' | 'Paused' | 'Cancelling'>;

const RUNNING: ReadonlySet<JobState> = new Set<JobState>(['Requested', 'Processing', 'Paused', 'Cancelling']);

export function isEndState(state: JobState): state is EndState {
  return !RUNNING.has(state);
}

export function isFinalFileState(state: FileState): state is FinalFileState {
  return state !== 'Requested' && state !== 'Processing';
}

/** Files by outcome; `pending` are those without one yet. `bytes` counts what was copied. */
export interface JobCounts {
  requested: number;
  completed: number;
  skipped: number;
  failed: number;
  cancelled: number;
  pending: number;
  bytes: number;
}

export function emptyCounts(requested: number): JobCounts {
  return { requested, completed: 0, skipped: 0, failed: 0, cancelled: 0, pending: requested, bytes: 0 };
}

/** Under which name the files of a final state are counted. */
export const COUNTED_AS = {
  Completed: 'completed',
  Skipped: 'skipped',
  Failed: 'failed',
  Cancelled: 'cancelled',
} as const satisfies Record<FinalFileState, keyof JobCounts>;

/** Moves one pending file into its final state. */
export function countFile(counts: JobCounts, state: FinalFileState, bytes: number): void {
  counts.pending -= 1;
  counts[COUNTED_AS[state]] += 1;
  if (state === 'Completed') counts.bytes += bytes;
}

/** How some files of a job have ended, and how many these are. */
type PartCounts = Omit<JobCounts, 'requested' | 'pending'> & { count: number };

/** Moves these files, which are pending, into their final states. */
export function addCounts(
  counts: JobCounts,
  { count, completed, skipped, failed, cancelled, bytes }: PartCounts,
): void {
  counts.pending -= count;
  counts.completed += completed;
  counts.skipped += skipped;
  counts.failed += failed;
  counts.cancelled += cancelled;
  counts.bytes += bytes;
}

/** The state of a job whose files all have one: what happened to them decides, not what was asked for. */
export function endStateOf(counts: JobCounts): 'Completed' | 'CompletedWithErrors' | 'Failed' | 'Cancelled' {
  if (counts.cancelled > 0) return 'Cancelled';
  if (counts.failed === 0) return 'Completed';
  return counts.failed === counts.requested ? 'Failed' : 'CompletedWithErrors';
}
