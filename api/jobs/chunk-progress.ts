import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ChunkPassRef, JobMemo, LiveStatus } from '../../contract/messages.ts';
import { addCounts, type JobCounts } from '../../contract/states.ts';
import type { ResultsPart } from '../../storage/job-chunks.ts';

const NUMBERS = ['chunk', 'part', 'count', 'completed', 'skipped', 'failed', 'cancelled', 'bytes'] as const;

/** How a bulk job stands as its workflow is described, all of it at one moment. */
export interface DescribedProgress {
  /** As the job told it after its latest workflow task; undefined: it has not, or nobody looked. */
  live: LiveStatus | undefined;
  /** Ids of the activities that Temporal knows to be under way. */
  pending: ReadonlySet<string>;
  /** What the passes among them have done by their last heartbeats, those that have told. */
  told: ResultsPart[];
}

/** Of a job that is not described. */
export const NOTHING_DESCRIBED: DescribedProgress = { live: undefined, pending: new Set(), told: [] };

/**
 * How a job stands, and how far its passes over chunks are: by their last heartbeats, which while a worker runs are half a
 * second old at most of the oldest pass, which has most of the lanes, and two and a half of others. It costs no request of
 * its own: a description has them. What an earlier run has told is nothing that this one says: that may be by older code.
 */
export function progressOf({ raw, runId, memo }: WorkflowExecutionDescription): DescribedProgress {
  const { live } = (memo ?? {}) as Partial<JobMemo>;
  const activities = raw.pendingActivities ?? [];
  const told = activities.flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const details: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isProgress(details) ? [details] : [];
  });
  return {
    live: live?.runId === runId ? live : undefined,
    pending: new Set(activities.flatMap(({ activityId }) => activityId ?? [])),
    told,
  };
}

/** These counts, and what passes have done that are not in them. */
export function withProgress(counts: JobCounts, progress: readonly ResultsPart[]): JobCounts {
  const sum = { ...counts };
  for (const part of progress) addCounts(sum, part);
  return sum;
}

/** What is told of these passes. */
export function toldOf(progress: readonly ResultsPart[], passes: readonly ChunkPassRef[]): ResultsPart[] {
  return progress.filter((one) => passes.some((pass) => isSamePass(one, pass)));
}

/** Those of these passes that nothing is told of. */
export function untoldOf(progress: readonly ResultsPart[], passes: readonly ChunkPassRef[]): ChunkPassRef[] {
  return passes.filter((pass) => !progress.some((one) => isSamePass(one, pass)));
}

function isSamePass(one: ChunkPassRef, other: ChunkPassRef): boolean {
  return one.chunk === other.chunk && one.part === other.part;
}

/** Other activities have other details, or none. */
function isProgress(details: unknown): details is ResultsPart {
  if (typeof details !== 'object' || details === null) return false;
  return NUMBERS.every((name) => typeof (details as Record<string, unknown>)[name] === 'number');
}
