/**
 * The ids of `patched`: what workflows do otherwise than older ones did, whose histories have to replay all the same. An
 * id stands in histories, and is never changed.
 *
 * A patch may go, and with it what older workflows did, once Temporal keeps no history that came by its place before it
 * was made: neither of an open job nor of one that has ended, which may be asked what it knew. `deprecatePatch` takes its
 * place then, for as long as there are histories that have its id. Of the recorded histories (test/histories/), those of
 * before it, which are named here, go too or are recorded anew.
 */

/**
 * From its second try for locks on, a job has a task decide; older ones had every try decided locally. To be kept for
 * jobs that waited for locks, which takes an hour at most: `waited-for-locks`.
 */
export const LATER_TRIES_ARE_TASKS = 'later-tries-are-tasks';

/**
 * A bulk job tells by its memo how it stands, and names its passes over chunks; older ones had to be asked, and let
 * Temporal choose the ids of their activities. To be kept for all bulk jobs: `bulk-listed` and others.
 */
export const TOLD_BY_MEMO = 'told-by-memo';

/**
 * A bulk job that is paused has passes looked at that were lost; older ones did so as they went on. To be kept for bulk
 * jobs that were paused, which may take any time: `bulk-lost-in-pause`.
 */
export const FINDS_COPIES_IN_PAUSE = 'finds-copies-in-pause';

/**
 * A bulk job tells why files wait only as long as they do; older ones went on telling it to their end. To be kept for
 * bulk jobs of which something was tried again: `bulk-left-over-and-explained`.
 */
export const TELLS_NO_MORE_OF_WHAT_IS_OVER = 'tells-no-more-of-what-is-over';

/**
 * A bulk job tells at once that its source cannot be listed any further; older ones told it at their end. To be kept for
 * bulk jobs that had lost their source: `bulk-source-lost`.
 */
export const TELLS_OF_LOST_SOURCE = 'tells-of-lost-source';

/**
 * A bulk job goes on at once with what a pass over a chunk had no time for; older ones did so after a pause, as with what
 * had failed. To be kept for bulk jobs with a rate that were begun by such workers: `bulk-out-of-time-and-put-off`.
 */
export const GOES_ON_AT_ONCE = 'goes-on-at-once';
