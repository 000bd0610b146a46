/** What must never happen, as the table at the end counts it. */
export const VIOLATIONS = {
  lost: 'files or jobs lost',
  wrong: 'files or jobs reported wrong',
  bytes: 'files with wrong bytes',
  rewritten: 'files written again after being Completed, or out of turn',
  lock: 'locks left that cannot be taken, or should be gone',
  stuck: 'jobs stuck',
  answer: 'answers that should not be given, processes that ended by themselves',
} as const;

export type ViolationKind = keyof typeof VIOLATIONS;

/** Something that happened and must not, with what is needed to look into it. */
export interface Violation {
  kind: ViolationKind;
  /** Correlation id of the job, where it is about one. */
  job: string | undefined;
  what: string;
}
