import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Activities, FileOutcome } from '../activities/index.ts';
import type { CopyOptions } from '../contract/messages.ts';
import { isReasonCode, isRetryable, reason, type ReasonCode } from '../contract/reasons.ts';
import { copying, lookingUp } from './activity-options.ts';
import type { AdmittedFile } from './admission.ts';
import type { CopyGate } from './copy-gate.ts';
import { cancelledOutcome, type JobBook } from './job-book.ts';
import { summaryOf } from './visibility.ts';

type CopyFileTask = Parameters<Activities['copyFile']>[0];

/** Copies one file, as far as the gate lets it, and writes down what became of it. Never throws for the file's sake. */
export async function copyOne(
  book: JobBook,
  file: AdmittedFile,
  { overwrite }: CopyOptions,
  gate: CopyGate,
): Promise<void> {
  const { record, source, destination, lock } = file;
  const task: CopyFileTask = { source, destination, lock, overwrite };
  const isGivenUp = () => book.isCancelling;
  for (;;) {
    await gate.passed(isGivenUp);
    if (isGivenUp()) {
      book.finishFile(record, cancelledOutcome(), Date.now());
      return;
    }
    book.startFile(record, Date.now());
    const outcome = await attempt(task, summaryOf(record), gate);
    if (outcome.state !== 'Cancelled' || isGivenUp()) {
      book.finishFile(record, outcome, Date.now());
      return;
    }
    book.requeueFile(record, Date.now());
  }
}

async function attempt(task: CopyFileTask, summary: string, gate: CopyGate): Promise<FileOutcome> {
  try {
    return await gate.run(() => copying.copyFile.executeWithOptions({ summary }, [task]));
  } catch (error) {
    return await settle(error, task, summary);
  }
}

/**
 * What to say of a file whose copying ended without a result. Where a write may have been sent and its answer lost,
 * the destination is looked at first.
 */
async function settle(error: unknown, task: CopyFileTask, summary: string): Promise<FileOutcome> {
  if (isCancellation(error)) return (await look(task, summary)) ?? cancelledOutcome();
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isReasonCode(cause.type ?? '')) {
    const failed = failedOutcome(cause.message, Number(cause.details?.[0] ?? 0));
    return isRetryable(cause.type as ReasonCode) ? ((await look(task, summary)) ?? failed) : failed;
  }
  const failed =
    cause instanceof TimeoutFailure
      ? failedOutcome(reason('WORKER_LOST', 'the worker that copied the file stopped answering'), 0)
      : failedOutcome(reason('INTERNAL_ERROR', cause instanceof Error ? cause.message : String(cause)), 0);
  return (await look(task, summary)) ?? failed;
}

async function look(task: CopyFileTask, summary: string): Promise<FileOutcome | null> {
  return await lookingUp.findCopy.executeWithOptions({ summary: `look for ${summary}` }, [task]);
}

function failedOutcome(message: string, retryCount: number): FileOutcome {
  return { state: 'Failed', message, size: null, crc32c: null, generation: null, sourceGeneration: null, retryCount };
}
