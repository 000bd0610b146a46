import { AsyncLocalStorage } from 'node:async_hooks';
import type { LaneGroup } from '../../../storage/pacing/lane-group.ts';
import type { RewriteTransport } from '../../../storage/rewrite-transport.ts';
import type { Lease } from '../../locks/lease.ts';
import type { ChunkFile } from './chunk-file.ts';
import { FileWrite } from './file-write.ts';
import type { PrefixGuard } from './prefix-guard.ts';
import type { ChunkProgress } from './progress.ts';
import type { Recovery } from './recovery.ts';

export interface WriterOptions {
  transport: RewriteTransport;
  lane: LaneGroup;
  /** Files of this chunk that are written, or wait to be, at a time. */
  width: number;
  lease: Lease;
  guard: PrefixGuard;
  progress: ChunkProgress;
  recovery: Recovery;
}

/**
 * Writes files of a chunk, many at a time: each in a lane, pinned on the generations of both sides, under a lock that was
 * seen to stand since. A file without an outcome afterwards is left over. Waits for all that was sent, whatever happens.
 * Throws what is not a file's failure: a defect, a control bucket that does not answer, or that this attempt is over.
 */
export async function writeFiles(files: readonly ChunkFile[], options: WriterOptions): Promise<void> {
  const { lane, width, lease } = options;
  const { promise: allThrough, resolve } = Promise.withResolvers<undefined>();
  const defects: unknown[] = [];
  let next = 0;
  let underWay = Math.min(width, files.length);
  const defect = (error: unknown) => {
    defects.push(error);
    lane.close();
  };
  // A file takes the place of the one before it: nothing is made to wait for them but what they tell themselves.
  const through = () => {
    const file = defects.length === 0 && !lease.signal.aborted ? files[next++] : undefined;
    if (file !== undefined) new FileWrite(file, options, activity).begin();
    else if (--underWay === 0) resolve(undefined);
  };
  const activity = { through, defect, inContext: AsyncLocalStorage.snapshot() };
  for (let count = underWay; count > 0; count -= 1) through();
  if (files.length > 0) await allThrough;
  if (defects.length > 0) throw defects[0];
}
