import { foretoldFailure } from '../../../contract/dry-run.ts';
import { cancelledOutcome, outcomeWithoutObject } from '../../../contract/file-outcome.ts';
import { locate, type CollectionIndex } from '../../../contract/locate.ts';
import type { Overwrite } from '../../../contract/messages.ts';
import { reason, SKIPPED_AS_LOCKED } from '../../../contract/reasons.ts';
import type { PlannedFile } from '../../../storage/job-chunks.ts';
import { completed, isOwnCopy, judgeExisting, type Outcome } from '../file-outcome.ts';
import type { LockedPlaces } from '../../locks/locked-places.ts';
import { foretell, foretold } from '../preview-files.ts';
import type { ChunkFile } from './chunk-file.ts';

/** What a chunk is to do with its files: `find` tells what is copied and leaves the rest over, `settle` cancels it. */
export type ChunkMode = 'copy' | 'dryRun' | 'find' | 'settle';

/**
 * What becomes of a file, given what is known of both sides; undefined: it is to be written, or left over. An
 * earlier attempt's own copy is recognised whatever overwrite says.
 */
export function judge(file: ChunkFile, mode: ChunkMode, overwrite: Overwrite): Outcome | undefined {
  const { source, sourceState, existing, lock, refusal } = file;
  if (mode === 'dryRun') {
    return refusal === undefined ? foretell(sourceState, existing, overwrite) : foretold(foretoldFailure(refusal));
  }
  if (refusal !== undefined) return mode === 'find' ? undefined : outcomeWithoutObject('Failed', refusal, sourceState);
  if (existing !== undefined && sourceState !== undefined && lock !== undefined) {
    if (isOwnCopy(existing, sourceState, lock)) return completed(existing, sourceState);
  }
  if (mode === 'settle') return cancelledOutcome(sourceState);
  if (mode === 'find') return undefined;
  if (sourceState === undefined) {
    return outcomeWithoutObject(
      'Failed',
      reason('SOURCE_NOT_FOUND', `gs://${source.bucket}/${source.name} does not exist`),
    );
  }
  return existing === undefined ? undefined : judgeExisting(existing, sourceState, overwrite);
}

/** By what is known of a file before anybody has looked at it. */
interface Foreknowledge {
  mode: ChunkMode;
  collections: CollectionIndex;
  /** What others hold. */
  lockedPlaces: LockedPlaces | undefined;
}

/**
 * What becomes of a file that need not be looked at: it was planned with a problem, or others hold it; undefined: it is to
 * be looked at. Whatever there is at a destination that others hold, it is not ours.
 */
export function judgeUnseen(
  planned: PlannedFile,
  { mode, collections, lockedPlaces }: Foreknowledge,
): Outcome | undefined {
  const { problem, source } = planned;
  if (problem !== undefined) return mode === 'settle' ? cancelledOutcome() : outcomeWithoutObject('Failed', problem);
  if (lockedPlaces?.hold(locate(planned, collections)) !== true) return undefined;
  return outcomeWithoutObject('Skipped', SKIPPED_AS_LOCKED, source);
}
