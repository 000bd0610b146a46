import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TimeoutFailure,
  type CancellationScope,
} from '@temporalio/workflow';
import type { Activities, FileOutcome } from '../activities/index.ts';
import type { CopyOptions } from '../contract/messages.ts';
import { isReasonCode, isRetryable, reason, type ReasonCode } from '../contract/reasons.ts';
import { copying as copyActivities, lookingUp } from './activity-options.ts';
import type { AdmittedFile } from './admission.ts';
import { cancelledOutcome, type JobBook } from './job-book.ts';
import { summaryOf } from './visibility.ts';

type CopyFileTask = Parameters<Activities['copyFile']>[0];

/** Copies one file and writes down what became of it. Never throws for the file's sake. */
export async function copyOne(
  book: JobBook,
  file: AdmittedFile,
  { overwrite }: CopyOptions,
  copying: CancellationScope,
): Promise<void> {
  const { record, source, destination, lock } = file;
  if (book.isCancelling) {
    book.finishFile(record, cancelledOutcome(), Date.now());
    return;
  }
  book.startFile(record, Date.now());
  const task: CopyFileTask = { source, destination, lock, overwrite };
  const summary = summaryOf(record);
  let outcome: FileOutcome;
  try {
    outcome = await copying.run(() => copyActivities.copyFile.executeWithOptions({ summary }, [task]));
  } catch (error) {
    outcome = await settle(error, task, summary);
  }
  book.finishFile(record, outcome, Date.now());
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
