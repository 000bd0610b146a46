import type { CollectionLocation, HeldPrefixLock, Overwrite } from '../../../contract/messages.ts';
import type { ChunkCounts } from '../../../storage/job-chunks.ts';

export interface CopyChunkTask {
  correlationId: string;
  /** Which chunk of the plan. */
  chunk: number;
  /** Under which number its results are stored: how many passes there were before. */
  part: number;
  /** How many of these left something for a reason that may go away; absent: all of them. */
  tries?: number;
  /** Of the chunk, as it was planned; absent where that is not known any more. */
  planGeneration?: string;
  /** Job indices of the files that are meant, in the order to write them in; all of the chunk where absent. */
  only?: number[];
  collections: CollectionLocation[];
  /** The locks that all destinations are under, but for what others hold; none for a dry run. */
  locks: HeldPrefixLock[];
  /** Under this name is kept what others hold: files there are skipped. Absent: nothing. */
  lockedPlaces?: string;
  overwrite: Overwrite;
  /** Tells what would happen, and copies nothing. */
  dryRun?: boolean;
  /** Writes a second that this chunk may make. */
  filesPerSecond?: number;
  /** Copies nothing any more: what this job has copied is `Completed`, all else `Cancelled`. */
  settle?: boolean;
  /** An earlier activity for the same part ended without saying what it did: its result may be stored. */
  isUncertain?: boolean;
  /** What goes on failing in passing ends `Failed`. */
  lastTry?: boolean;
  /** How often the job was resumed before: what has the same number is stopped together. */
  round?: number;
}

export interface ChunkOutcome {
  /** Of the files that have come to their end, which are stored. */
  counts: ChunkCounts;
  /** Job indices of those that have not, in the order to go on in. */
  leftovers: number[];
  /** What failed in passing last: `CODE: sentence`, or empty. */
  reason: string;
  /** The result is that of another attempt, which came first: some of what it left over may be copied since. */
  isAnothers?: boolean;
  /** A write was sent of some of what is left over, and its answer was lost: it may be copied. */
  isUncertain?: boolean;
  /** It wrote as many files as its rate gives one pass time for: the others need no pause. */
  isOutOfTime?: boolean;
}
