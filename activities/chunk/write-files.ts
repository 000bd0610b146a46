import { reason } from '../../contract/reasons.ts';
import { isStorageError } from '../../storage/errors.ts';
import type { LaneGroup } from '../../storage/pacing/lanes.ts';
import type { RewriteAnswer, RewriteTransport } from '../../storage/rewrite-transport.ts';
import { failure, toControlFailure } from '../failures.ts';
import { completed, differenceBetween, withoutObject } from '../file-outcome.ts';
import type { Lease } from '../lease.ts';
import { endFile, type ChunkFile } from './chunk-file.ts';
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
  /** Aborted when nothing more is to be written. */
  signal: AbortSignal;
}

/** The lock that a file was to be written under does not stand any more. */
class LockLost extends Error {
  override readonly name = 'LockLost';
}

/**
 * Writes the files of a chunk, many at a time: each in a lane, pinned on the generations of both sides, under a lock
 * that was seen to stand since. A file without an outcome afterwards is left over.
 */
export class FileWriter {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Writes these files, and waits for all that was sent, whatever happens. Throws what is not a file's failure: a defect,
   * a control bucket that does not answer, or that this attempt is over.
   */
  async writeAll(files: readonly ChunkFile[]): Promise<void> {
    const { lane, width, signal } = this.#options;
    const defects: unknown[] = [];
    let next = 0;
    const writeInTurn = async () => {
      while (defects.length === 0 && !signal.aborted) {
        const file = files[next++];
        if (file === undefined) return;
        try {
          await this.#write(file);
        } catch (error) {
          defects.push(error);
          lane.close();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(width, files.length) }, writeInTurn));
    if (defects.length > 0) throw defects[0];
  }

  /** Writes a file until it has an outcome, or is left over. */
  async #write(file: ChunkFile): Promise<void> {
    const { lane, progress } = this.#options;
    const send = () => this.#send(file);
    file.startedAt = Date.now();
    for (let isGoingOn = true; isGoingOn;) {
      try {
        const answer = await lane.run(file.destination.bucket, send);
        isGoingOn = answer !== undefined && this.#takeIn(file, answer);
      } catch (error) {
        isGoingOn = await this.#isWorthAnotherTry(file, error);
      }
    }
    if (file.outcome !== undefined) progress.forget(file.planned.index);
  }

  async #isWorthAnotherTry(file: ChunkFile, error: unknown): Promise<boolean> {
    const { recovery, progress } = this.#options;
    if (error instanceof LockLost) {
      await recovery.fail(file, reason('LOCK_LOST', error.message));
      return false;
    }
    if (!isStorageError(error)) throw error;
    if (isStorageError(error, 'refused') && progress.isEarlier(file.planned.index, file.rewriteToken)) {
      file.rewriteToken = undefined;
      progress.forget(file.planned.index);
      return true;
    }
    return await recovery.recover(file, error);
  }

  /** Sends one call of a rewrite; undefined where the job asks to stop. */
  #send(file: ChunkFile): Promise<RewriteAnswer> | undefined {
    const { lease, guard } = this.#options;
    if (lease.isCancelled()) return undefined;
    const stands = guard.stands(lockOf(file), file.seenAt);
    return stands === true ? this.#rewrite(file) : this.#sendIfStands(file, stands);
  }

  async #sendIfStands(file: ChunkFile, looking: boolean | Promise<boolean>): Promise<RewriteAnswer> {
    let stands: boolean;
    try {
      stands = await looking;
    } catch (error) {
      throw toControlFailure(error);
    }
    if (!stands) throw new LockLost('the lock on the destination was broken or taken over');
    return await this.#rewrite(file);
  }

  #rewrite(file: ChunkFile): Promise<RewriteAnswer> {
    const { transport, progress } = this.#options;
    const { source, destination, sourceState } = file;
    const generation = sourceState?.generation ?? '';
    const pin = pinOf(file);
    file.rewriteToken ??= progress.earlierToken(file.planned.index, generation, pin);
    return transport.rewrite({
      source: { bucket: source.bucket, name: source.name, generation },
      destination,
      ifGenerationMatch: pin,
      rewriteToken: file.rewriteToken,
    });
  }

  /** Takes in what a call came to; true: there are more to come. */
  #takeIn(file: ChunkFile, answer: RewriteAnswer): boolean {
    const { sourceState, planned } = file;
    if (sourceState === undefined) throw failure('INTERNAL_ERROR', 'a file without a source was written');
    if (!answer.done) {
      const { rewriteToken } = answer;
      const [sourceGeneration, pin] = [sourceState.generation, pinOf(file)];
      file.rewriteToken = rewriteToken;
      this.#options.progress.note({ index: planned.index, rewriteToken, sourceGeneration, pin });
      return true;
    }
    const difference = differenceBetween(answer.object, sourceState);
    endFile(
      file,
      difference === undefined
        ? completed(answer.object, sourceState)
        : withoutObject('Failed', reason('CHECKSUM_MISMATCH', difference), sourceState),
    );
    return false;
  }
}

/** Generation of the destination that may be replaced; "0": there must be none. */
function pinOf({ existing }: ChunkFile): string {
  return existing?.generation ?? '0';
}

function lockOf({ lock }: ChunkFile) {
  if (lock === undefined) throw failure('INTERNAL_ERROR', 'a file without a lock was to be written');
  return lock;
}
