import { isEndState, type JobState } from '../contract/states.ts';

/** What a command ended in, for scripts. Numbers are never given another meaning. */
export const EXIT = {
  done: 0,
  completedWithErrors: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  failed: 5,
  cancelled: 6,
  terminated: 7,
  notEnded: 8,
  /** As of every process of the service whose settings are wrong (sysexits.h, EX_CONFIG). */
  settings: 78,
  /** sysexits.h, EX_SOFTWARE. */
  defect: 70,
  /** What shells report for a process that SIGINT, or SIGPIPE, ended. */
  interrupted: 130,
  outputClosed: 141,
} as const;

/** The part of the help that scripts need. */
export const EXIT_CODES_HELP = `Exit codes:
  0    done; of a job: Completed
  1    of a job: CompletedWithErrors; of a check: something is wrong; of a dry run: a file would fail
  2    wrong usage, or a request that is not valid (400)
  3    refused: no valid token (401), no access (403), no such job (404), a conflict (409), locked (423), a job that
       was Rejected, a lock that was not taken or not broken, a collection that was not added
  4    API, Temporal or storage cannot be reached, or has no time (429, 5xx)
  5    of a job: Failed, that is, every file
  6    of a job: Cancelled
  7    of a job: Terminated
  8    of a job: not ended (yet), or ended by force and not settled: what became of its files is being found out
  70   a defect of this program
  78   a wrong or missing setting (no token, a token command set in the environment that fails, a control bucket that
       does not exist)
  130  interrupted; a job that was started goes on
  141  whoever read the output has gone

Commands that show one job (status, copy --wait, retry --wait) end with the code of its state.`;

const BY_STATE: Readonly<Record<JobState, number>> = {
  Requested: EXIT.notEnded,
  Processing: EXIT.notEnded,
  Paused: EXIT.notEnded,
  Cancelling: EXIT.notEnded,
  Completed: EXIT.done,
  CompletedWithErrors: EXIT.completedWithErrors,
  Failed: EXIT.failed,
  Cancelled: EXIT.cancelled,
  Terminated: EXIT.terminated,
  Rejected: EXIT.refused,
};

/** The exit code that stands for a job's state, once its counts are final. */
export function exitCodeOf({ state, endedAt }: { state: JobState; endedAt: string | null }): number {
  return isEndState(state) && endedAt === null ? EXIT.notEnded : BY_STATE[state];
}
