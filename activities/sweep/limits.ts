/** What the sweep leaves alone, and how much of it one activity does. */

/** A lock that is younger is left to its job, or to whoever takes it over, in milliseconds. */
export const MIN_LOCK_AGE_MS = 10 * 60_000;

/** A folder whose youngest object is younger may be that of a job which is about to be started, in milliseconds. */
export const MIN_ORPHAN_AGE_MS = 24 * 60 * 60_000;

/** Jobs, and locks, that one activity looks at: some seconds' worth, so that little is repeated where it is lost. */
export const JOBS_A_STEP = 1_000;
export const LOCKS_A_STEP = 5_000;

/** Jobs, and locks, that are looked at side by side. */
export const AT_A_TIME = 16;
