import { CANCELLED_BEFORE_COPY } from './reasons.ts';
import type { FinalFileState } from './states.ts';

/** What became of a file. Size, crc32c and generation are the destination object's, null where there is none. */
export interface FileOutcome {
  state: FinalFileState;
  /** `CODE: sentence`, or empty. */
  message: string;
  size: number | null;
  crc32c: string | null;
  generation: string | null;
  sourceGeneration: string | null;
  retryCount: number;
}

/** What became of a file of which the job has nothing at the destination. `message`: `CODE: sentence`. */
export function outcomeWithoutObject(
  state: 'Cancelled' | 'Failed' | 'Skipped',
  message: string,
  source?: { generation: string },
): FileOutcome {
  const sourceGeneration = source?.generation ?? null;
  return { state, message, size: null, crc32c: null, generation: null, sourceGeneration, retryCount: 0 };
}

/** What became of a file that was not copied before its job was cancelled. */
export function cancelledOutcome(source?: { generation: string }): FileOutcome {
  return outcomeWithoutObject('Cancelled', CANCELLED_BEFORE_COPY, source);
}
