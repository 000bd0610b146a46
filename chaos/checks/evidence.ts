import type { FileTold, JobTold } from '../jobs/api.ts';
import type { JobAccount, WriteIndex } from '../jobs/account.ts';
import type { Write } from '../storage/write-log.ts';

/** What the API says of a job when all is over. */
export interface FinalAnswers {
  /** Undefined: there is no such job (404). */
  told: JobTold | undefined;
  /** The report's rows. */
  report: readonly FileTold[] | undefined;
  /** Status of the same POST once more; undefined: it was not sent. */
  repeated: number | undefined;
}

/** A job with all that is known of it. */
export interface JobEvidence {
  account: JobAccount;
  final: FinalAnswers;
}

/** What the checks rest on: what callers were told, what storage did, and what it holds now. */
export interface Evidence {
  jobs: readonly JobEvidence[];
  /** All copies, in their order. */
  writes: readonly Write[];
  index: WriteIndex;
  /** What a destination object (`bucket/name`) holds now. */
  contentOf: (to: string) => { content: Buffer; generation: number } | undefined;
}
