import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Activities, FileOutcome } from '../activities/index.ts';
import type { CopyOptions } from '../contract/messages.ts';
import { isReasonCode, isRetryable, reason, type ReasonCode } from '../contract/reasons.ts';
import { copying, COPY_ATTEMPTS, lookingUp } from './activity-options.ts';
import type { AdmittedFile } from './admission.ts';
import type { CopyGate } from './copy-gate.ts';
import { cancelledOutcome, outcomeWithout, type JobBook } from './job-book.ts';
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

async function attempt(task: CopyFileTask, summary: string, { scope }: CopyGate): Promise<FileOutcome> {
  try {
    return await scope.run(() => copying.copyFile.executeWithOptions({ summary }, [task]));
  } catch (error) {
    const failed = failedOutcome(error);
    if (failed?.isCertain === true) return failed.outcome;
    // A write may have been sent and its answer lost. A copy that was told to stop is not tried again: where it left
    // nothing, it is as if it had not begun.
    const left = await look(task, summary);
    return left ?? (failed === undefined || scope.consideredCancelled ? cancelledOutcome() : failed.outcome);
  }
}

/**
 * What an activity that failed says of its file; undefined where it was cancelled. Certain: nothing was written, and
 * nothing would be by trying again.
 */
function failedOutcome(error: unknown): { outcome: FileOutcome; isCertain: boolean } | undefined {
  if (isCancellation(error)) return undefined;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isReasonCode(cause.type ?? '')) {
    const outcome = outcomeWithout('Failed', cause.message, Number(cause.details?.[0] ?? 0));
    return { outcome, isCertain: !isRetryable(cause.type as ReasonCode) };
  }
  const message =
    cause instanceof TimeoutFailure
      ? reason('WORKER_LOST', 'the worker that copied the file stopped answering')
      : reason('INTERNAL_ERROR', cause instanceof Error ? cause.message : String(cause));
  return { outcome: outcomeWithout('Failed', message, retriesOf(error)), isCertain: false };
}

/** What this job has at the destination; null: nothing. Storage that refuses to be asked fails the file. */
async function look(task: CopyFileTask, summary: string): Promise<FileOutcome | null> {
  try {
    return await lookingUp.findCopy.executeWithOptions({ summary: `look for ${summary}` }, [task]);
  } catch (error) {
    return failedOutcome(error)?.outcome ?? null;
  }
}

/** The retries of a copy that failed without saying how many there were. */
function retriesOf(error: unknown): number {
  return error instanceof ActivityFailure && error.retryState === 'MAXIMUM_ATTEMPTS_REACHED' ? COPY_ATTEMPTS - 1 : 0;
}
