import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ChunkPassRef } from '../../contract/messages.ts';
import type { JobCounts } from '../../contract/states.ts';
import type { ResultsPart } from '../../storage/job-chunks.ts';

const NUMBERS = ['chunk', 'part', 'count', 'completed', 'skipped', 'failed', 'cancelled', 'bytes'] as const;

/**
 * How far the passes over chunks are that Temporal knows to be under way, by their last heartbeats: while a worker runs,
 * those of the oldest, which has most of the lanes, are half a second old at most, and others two and a half. It costs no
 * request of its own: a description has them.
 */
export function progressOf({ raw }: WorkflowExecutionDescription): ResultsPart[] {
  return (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const details: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isProgress(details) ? [details] : [];
  });
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

/** What is told of these passes. */
export function progressIn(progress: readonly ResultsPart[], passes: readonly ChunkPassRef[]): ResultsPart[] {
  return progress.filter((one) => passes.some(({ chunk, part }) => chunk === one.chunk && part === one.part));
}

/** Other activities have other details, or none. */
function isProgress(details: unknown): details is ResultsPart {
  if (typeof details !== 'object' || details === null) return false;
  return NUMBERS.every((name) => typeof (details as Record<string, unknown>)[name] === 'number');
}
