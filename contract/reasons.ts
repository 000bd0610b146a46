/**
 * Why a file or a job is where it is. The codes are a closed, published list: callers may branch on them, so a code is
 * never renamed and a new one is added here first. A reason is written `CODE: sentence`.
 */

interface Reason {
  /** Whether trying again can help. */
  retry: boolean;
  /** What the code means, for the API's documentation. */
  meaning: string;
}

const reasons = {
  SOURCE_NOT_FOUND: { retry: false, meaning: 'The source file does not exist.' },
  SOURCE_CHANGED: { retry: true, meaning: 'The source file was replaced or deleted while it was being copied.' },
  DESTINATION_NOT_FOUND: { retry: false, meaning: 'The bucket of the destination collection does not exist.' },
  DESTINATION_EXISTS: { retry: false, meaning: 'Skipped: the destination file exists and overwrite is "never".' },
  DESTINATION_UNCHANGED: {
    retry: false,
    meaning: 'Skipped: the destination file has the same content and overwrite is "ifDifferent".',
  },
  DESTINATION_CHANGED: { retry: false, meaning: 'Somebody else kept writing the destination file.' },
  CHECKSUM_MISMATCH: { retry: false, meaning: 'The copy differs from the source.' },
  RETENTION_POLICY: { retry: false, meaning: 'A retention policy or hold forbids replacing the destination file.' },
  REQUESTER_PAYS: { retry: false, meaning: 'A bucket bills its requester, and the service has no project for that.' },
  STORAGE_FORBIDDEN: { retry: false, meaning: 'Cloud Storage refuses the service access to a bucket.' },
  STORAGE_REFUSED: { retry: false, meaning: 'Cloud Storage refuses the request as such.' },
  STORAGE_RATE_LIMITED: { retry: true, meaning: 'Cloud Storage asked to slow down, and went on asking.' },
  STORAGE_UNAVAILABLE: { retry: true, meaning: 'Cloud Storage did not answer, or failed, and went on failing.' },
  WORKER_LOST: { retry: true, meaning: 'The process that copied the file went away, again and again.' },
  LOCK_LOST: { retry: false, meaning: 'The lock on the destination file was broken or taken over.' },
  FILE_LOCKED: { retry: false, meaning: 'A file is locked by another job or by hand.' },
  ACCESS_DENIED: { retry: false, meaning: 'The caller may not use a collection, or it does not exist.' },
  INVALID_REQUEST: { retry: false, meaning: 'The request cannot be carried out as it is.' },
  DRY_RUN: { retry: false, meaning: 'Skipped: the job only tells what would happen.' },
  NOTHING_TO_COPY: { retry: false, meaning: 'The job found no file to copy: its prefix may be mistyped.' },
  CANCELLED: { retry: false, meaning: 'The job was cancelled before the file was copied.' },
  TERMINATED: { retry: false, meaning: 'The job was ended by force in Temporal.' },
  INTERNAL_ERROR: { retry: false, meaning: 'A defect of the service.' },
} satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof reasons;

/** The published list: code and meaning. */
export const REASONS: Readonly<Record<ReasonCode, Reason>> = reasons;

export function isReasonCode(text: string): text is ReasonCode {
  return Object.hasOwn(reasons, text);
}

/** Whether an error of this code is worth another try. */
export function isRetryable(code: ReasonCode): boolean {
  return reasons[code].retry;
}

/** `CODE: sentence`, as it stands in records and reports. */
export function reason(code: ReasonCode, sentence: string): string {
  return `${code}: ${sentence}`;
}

/** What is told of a job that was to copy nothing, and did. */
export const NOTHING_TO_COPY = reason('NOTHING_TO_COPY', 'no file has that prefix, or the list is empty');

/** Why a file is `Cancelled` that its job did not copy. */
export const CANCELLED_BEFORE_COPY = reason('CANCELLED', 'the job was cancelled before the file was copied');

/** Why a file was skipped that others held when its job was admitted. */
export const SKIPPED_AS_LOCKED = reason(
  'FILE_LOCKED',
  'the file is locked by another job or by hand, and onLocked is "skip"',
);
