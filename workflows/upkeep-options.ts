import { locking } from './activity-options.ts';

/**
 * How long a write may still come in that a worker had sent before its job was ended by force, in milliseconds. Such a
 * worker hears of the end within 250 ms and sends nothing more; then storage has to answer.
 */
export const LATE_WRITES_MS = 2_000;

/** Activities that one run of a sweep begins: well before its history becomes too long. */
export const SWEEP_STEPS = 100;

/**
 * Work on a whole job, or a page of jobs: seconds, minutes where storage is slow. Tried again for ever, as what it leaves
 * undone is found again in any case.
 */
export const upkeep = locking;
