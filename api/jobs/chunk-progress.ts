import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { COPY_CHUNK_ACTIVITY } from '../../contract/ids.ts';
import type { ChunkPassRef, JobMemo, LiveStatus } from '../../contract/messages.ts';
import type { JobCounts } from '../../contract/states.ts';
import type { ResultsPart } from '../../storage/job-chunks.ts';

const NUMBERS = ['chunk', 'part', 'count', 'completed', 'skipped', 'failed', 'cancelled', 'bytes'] as const;

/** How a bulk job stands as its workflow is described, all of it at one moment. */
export interface DescribedProgress {
  /** As the job told it after its latest workflow task; undefined: it has not, or nobody looked. */
  live: LiveStatus | undefined;
  /** How many passes over chunks Temporal knows to be under way. */
  passes: number;
  /** Of those that have told of themselves, what they have done by then. */
  told: ResultsPart[];
}

/** Of a job that is not described. */
export const NOTHING_DESCRIBED: DescribedProgress = { live: undefined, passes: 0, told: [] };

/**
 * How a job stands, and how far the passes over chunks are that Temporal knows to be under way, by their last heartbeats: while a worker runs,
 * those of the oldest, which has most of the lanes, are half a second old at most, and others two and a half. It costs no
 * request of its own: a description has them.
 */
export function progressOf({ raw, memo }: WorkflowExecutionDescription): DescribedProgress {
  const passes = (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name === COPY_CHUNK_ACTIVITY);
  const told = passes.flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const details: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isProgress(details) ? [details] : [];
  });
  return { live: (memo as Partial<JobMemo> | undefined)?.live, passes: passes.length, told };
}

/** These counts, and what passes have done that are not in them. */
export function withProgress(counts: JobCounts, progress: readonly ResultsPart[]): JobCounts {
  const sum = { ...counts };
  for (const part of progress) {
    sum.pending -= part.count;
    for (const name of ['completed', 'skipped', 'failed', 'cancelled', 'bytes'] as const) sum[name] += part[name];
  }
  return sum;
}

/** Those of these passes that nothing is told of. */
export function untoldOf(progress: readonly ResultsPart[], passes: readonly ChunkPassRef[]): ChunkPassRef[] {
  return passes.filter(({ chunk, part }) => !progress.some((one) => chunk === one.chunk && part === one.part));
}

/** What is told of these passes. */
export function progressIn(progress: readonly ResultsPart[], passes: readonly ChunkPassRef[]): ResultsPart[] {
  return progress.filter((one) => passes.some(({ chunk, part }) => chunk === one.chunk && part === one.part));
}

/** Other activities have other details, or none. */
function isProgress(details: unknown): details is ResultsPart {
  if (typeof details !== 'object' || details === null) return false;
  return NUMBERS.every((name) => typeof (details as Record<string, unknown>)[name] === 'number');
}
