import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { outcomeWithoutObject, type FileOutcome } from '../contract/file-outcome.ts';
import { isReasonCode, isRetryable, reason, type ReasonCode } from '../contract/reasons.ts';
import { COPY_ATTEMPTS } from './activity-options.ts';

/**
 * What an activity that failed says of its file; undefined where it was cancelled. Certain: nothing was written, and
 * nothing would be by trying again.
 */
export function failedOutcome(error: unknown): { outcome: FileOutcome; isCertain: boolean } | undefined {
  if (isCancellation(error)) return undefined;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isReasonCode(cause.type ?? '')) {
    const retryCount = Number(cause.details?.[0] ?? 0);
    const outcome = { ...outcomeWithoutObject('Failed', cause.message), retryCount };
    return { outcome, isCertain: !isRetryable(cause.type as ReasonCode) };
  }
  const message =
    cause instanceof TimeoutFailure
      ? reason('WORKER_LOST', 'the worker that copied the file stopped answering')
      : reason('INTERNAL_ERROR', cause instanceof Error ? cause.message : String(cause));
  const outcome = { ...outcomeWithoutObject('Failed', message), retryCount: retriesOf(error) };
  return { outcome, isCertain: false };
}

/** The retries of a copy that failed without saying how many there were. */
function retriesOf(error: unknown): number {
  return error instanceof ActivityFailure && error.retryState === 'MAXIMUM_ATTEMPTS_REACHED' ? COPY_ATTEMPTS - 1 : 0;
}
