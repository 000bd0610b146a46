import type { AsyncLocalStorage } from 'node:async_hooks';
import { outcomeWithoutObject } from '../../../contract/file-outcome.ts';
import { reason } from '../../../contract/reasons.ts';
import { isStorageError } from '../../../storage/errors.ts';
import type { LaneTask } from '../../../storage/pacing/lane-group.ts';
import type { RewriteAnswer, RewriteReceiver } from '../../../storage/rewrite-transport.ts';
import { failure, toControlFailure } from '../../failures.ts';
import { LOCK_LOST_SENTENCE } from '../../locks/lease.ts';
import { completed, differenceBetween } from '../file-outcome.ts';
import { endFile, type ChunkFile } from './chunk-file.ts';
import type { WriterOptions } from './write-files.ts';

/** The activity that a file is written by. */
export interface WritingActivity {
  /** Told once the file has come to its end, or is left over. */
  through(): void;
  /** Told before that, where something failed that is not the file's. */
  defect(error: unknown): void;
  /** A lane is given, and an answer told, by whoever is at work then: what follows belongs to this activity all the same. */
  inContext: ReturnType<typeof AsyncLocalStorage.snapshot>;
}

/** The lock that a file was to be written under does not stand any more. */
class LockLost extends Error {
  override readonly name = 'LockLost';
}

/**
 * One file of a chunk, from when it waits for a lane until it has an outcome or is left over. A million of them are
 * written by a few workers: what goes well is told by callbacks, without a promise on its way, and only what fails is
 * looked at by code that waits.
 */
export class FileWrite implements LaneTask, RewriteReceiver {
  readonly #file: ChunkFile;
  readonly #options: WriterOptions;
  readonly #activity: WritingActivity;

  constructor(file: ChunkFile, options: WriterOptions, activity: WritingActivity) {
    this.#file = file;
    this.#options = options;
    this.#activity = activity;
  }

  begin(): void {
    this.#file.startedAt ||= Date.now();
    this.#options.lane.submit(this.#file.destination.bucket, this);
  }

  start(): void {
    this.#activity.inContext(sendInLane, this);
  }

  dismiss(): void {
    this.#through();
  }

  answered(answer: RewriteAnswer): void {
    this.#leave();
    let isGoingOn: boolean;
    try {
      isGoingOn = this.#takeIn(answer);
    } catch (error) {
      this.#defect(error);
      return;
    }
    this.#goOn(isGoingOn);
  }

  failed(error: unknown): void {
    this.#leave(error);
    this.#activity.inContext(recoverFrom, this, error);
  }

  /** Sends one call of the rewrite, in the lane that it has, once the lock is seen to stand. */
  send(): void {
    let stands: boolean | Promise<boolean>;
    try {
      stands = this.#options.guard.stands(lockOf(this.#file), this.#file.seenAt);
    } catch (error) {
      this.#leave();
      this.#defect(error);
      return;
    }
    if (stands === true) this.#sendUnlessStopped();
    else this.#sendIfStands(Promise.resolve(stands));
  }

  /** Does what a failure asks for. */
  recover(error: unknown): void {
    this.#isWorthAnotherTry(error).then(
      (isGoingOn) => {
        this.#goOn(isGoingOn);
      },
      (defect: unknown) => {
        this.#defect(defect);
      },
    );
  }

  #sendIfStands(looking: Promise<boolean>): void {
    looking.then(
      (stands) => {
        if (stands) this.#sendUnlessStopped();
        else this.failed(new LockLost(LOCK_LOST_SENTENCE));
      },
      (error: unknown) => {
        this.#leave();
        this.#defect(toControlFailure(error));
      },
    );
  }

  /** Sends nothing where the job asks to stop, or where this attempt is over. */
  #sendUnlessStopped(): void {
    let isStopped: boolean;
    try {
      isStopped = this.#options.lease.isCancelled();
    } catch (error) {
      this.#leave();
      this.#defect(error);
      return;
    }
    if (!isStopped) {
      this.#rewrite();
      return;
    }
    this.#leave();
    this.#through();
  }

  /** Sends the next call, where there is to be another one. */
  #goOn(isGoingOn: boolean): void {
    if (isGoingOn) this.begin();
    else this.#through();
  }

  #rewrite(): void {
    const file = this.#file;
    const { transport, progress } = this.#options;
    const { source, destination, sourceState } = file;
    const generation = sourceState?.generation ?? '';
    const ifGenerationMatch = pinOf(file);
    file.rewriteToken ??= progress.earlierToken(file.planned.index, generation, ifGenerationMatch);
    const { rewriteToken } = file;
    const from = { bucket: source.bucket, name: source.name, generation };
    transport.send({ source: from, destination, ifGenerationMatch, rewriteToken }, this);
  }

  async #isWorthAnotherTry(error: unknown): Promise<boolean> {
    const file = this.#file;
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

  /** Takes in what a call came to; true: there are more to come. */
  #takeIn(answer: RewriteAnswer): boolean {
    const file = this.#file;
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
        : outcomeWithoutObject('Failed', reason('CHECKSUM_MISMATCH', difference), sourceState),
    );
    return false;
  }

  #leave(error?: unknown): void {
    this.#options.lane.leave(this.#file.destination.bucket, error);
  }

  #through(): void {
    const { outcome, planned } = this.#file;
    if (outcome !== undefined) this.#options.progress.forget(planned.index);
    this.#activity.through();
  }

  #defect(error: unknown): void {
    this.#activity.defect(error);
    this.#activity.through();
  }
}

function sendInLane(write: FileWrite): void {
  write.send();
}

function recoverFrom(write: FileWrite, error: unknown): void {
  write.recover(error);
}

/** Generation of the destination that may be replaced; "0": there must be none. */
function pinOf({ existing }: ChunkFile): string {
  return existing?.generation ?? '0';
}

function lockOf({ lock }: ChunkFile) {
  if (lock === undefined) throw failure('INTERNAL_ERROR', 'a file without a lock was to be written');
  return lock;
}
