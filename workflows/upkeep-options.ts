import { locking } from './activity-options.ts';

/** Activities that one run of a sweep begins: well before its history becomes too long. */
export const SWEEP_STEPS = 100;

/**
 * Work on a whole job, or a page of jobs: seconds, minutes where storage is slow. Tried again for ever, as what it leaves
 * undone is found again in any case.
 */
export const upkeep = locking;
