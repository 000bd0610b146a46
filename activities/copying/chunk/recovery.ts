import { setTimeout as delay } from 'node:timers/promises';
import { outcomeWithoutObject } from '../../../contract/file-outcome.ts';
import type { Overwrite } from '../../../contract/messages.ts';
import { reason } from '../../../contract/reasons.ts';
import { isStorageError, type StorageError } from '../../../storage/errors.ts';
import type { ObjectStore } from '../../../storage/objects.ts';
import { refusalReason, toFailure } from '../../failures.ts';
import { completed, isOwnCopy } from '../file-outcome.ts';
import { endFile, type ChunkFile } from './chunk-file.ts';
import { judge } from './judge.ts';

export interface RecoveryOptions {
  objects: ObjectStore;
  overwrite: Overwrite;
  /** Whether a file that goes on failing in passing ends `Failed`, rather than being left over. */
  isLastTry: boolean;
  /** Aborted when nothing more is to be written. */
  signal: AbortSignal;
}

/** How often the destination may change under our hands before a file fails. */
const MAX_REFUSALS = 3;

/** Tries of one file in one go, and what lies between them, in milliseconds: doubling from the first, with jitter. */
const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 250;

/** A file that storage asks to leave alone for longer, in milliseconds, is left over: it is not to hold its chunk. */
const LONGEST_PAUSE_MS = 10_000;

/** What follows of a write that did not come through. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** What failed in passing last: `CODE: sentence`, or empty. */
  lastFailure = '';

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * Does what a write's error asks for. True: the file is to be written (again). False: it has an outcome, or is left
   * over. Throws a failure that is tried again where, at the last try, it cannot be told what became of a file.
   */
  async recover(file: ChunkFile, error: StorageError): Promise<boolean> {
    if (error.kind === 'unavailable') file.isUnconfirmed = true;
    try {
      return await this.#follow(file, error);
    } catch (readError) {
      if (!isStorageError(readError)) throw readError;
      if (readError.isTransient) return await this.#tryLater(file, refusalReason(readError), readError.retryAfterMs);
      await this.fail(file, refusalReason(readError));
      return false;
    }
  }

  async #follow(file: ChunkFile, error: StorageError): Promise<boolean> {
    if (error.kind === 'preconditionFailed') return await this.#pinAgain(file);
    if (error.kind === 'notFound') return await this.#explainNotFound(file);
    if (error.isTransient) return await this.#tryLater(file, refusalReason(error), error.retryAfterMs);
    await this.fail(file, refusalReason(error));
    return false;
  }

  /** Somebody wrote the destination since it was last seen; maybe we, and the answer was lost. */
  async #pinAgain(file: ChunkFile): Promise<boolean> {
    file.existing = await this.#options.objects.stat(file.destination);
    file.seenAt = performance.now();
    file.rewriteToken = undefined;
    file.refusals += 1;
    const outcome = judge(file, 'copy', this.#options.overwrite);
    if (outcome !== undefined) endFile(file, outcome);
    else if (file.refusals >= MAX_REFUSALS) {
      const sentence = `somebody else wrote the destination ${MAX_REFUSALS} times during the copy`;
      endFile(file, outcomeWithoutObject('Failed', reason('DESTINATION_CHANGED', sentence), file.sourceState));
    }
    return file.outcome === undefined;
  }

  /** A rewrite's 404 does not say what is missing: the source, its pinned generation, or the destination's bucket. */
  async #explainNotFound(file: ChunkFile): Promise<boolean> {
    const { source, destination } = file;
    // A lost answer may have been that of a copy made before the source went.
    if (file.isUnconfirmed && (await this.confirm(file))) return false;
    const current = await this.#options.objects.stat(source);
    const place = `gs://${source.bucket}/${source.name}`;
    if (current === undefined) {
      await this.fail(file, reason('SOURCE_NOT_FOUND', `${place} was deleted during the copy`));
      return false;
    }
    if (current.generation === file.sourceState?.generation) {
      await this.fail(file, reason('DESTINATION_NOT_FOUND', `bucket ${destination.bucket} does not exist`));
      return false;
    }
    file.sourceState = current;
    file.rewriteToken = undefined;
    const outcome = judge(file, 'copy', this.#options.overwrite);
    if (outcome === undefined) {
      return await this.#tryLater(file, reason('SOURCE_CHANGED', `${place} was replaced during the copy`), undefined);
    }
    endFile(file, outcome);
    return false;
  }

  async #tryLater(file: ChunkFile, why: string, retryAfterMs: number | undefined): Promise<boolean> {
    const { isLastTry, signal } = this.#options;
    this.lastFailure = why;
    file.retries += 1;
    const pause = Math.max(retryAfterMs ?? 0, FIRST_PAUSE_MS * 2 ** (file.retries - 1) * (0.5 + Math.random()));
    if (file.retries >= MAX_TRIES || pause > LONGEST_PAUSE_MS) {
      if (isLastTry) await this.fail(file, why);
      return false;
    }
    // The job may ask to stop meanwhile, which shows before anything is sent.
    await delay(pause, undefined, { signal }).catch(() => undefined);
    return true;
  }

  /**
   * Ends a file as failed, unless a write whose answer was lost had come through. What storage refuses to tell at the last
   * try is this file's failure, and not that of all others.
   */
  async fail(file: ChunkFile, why: string): Promise<void> {
    try {
      if (file.isUnconfirmed && (await this.confirm(file))) return;
    } catch (error) {
      if (!isStorageError(error)) throw error;
      const { isLastTry } = this.#options;
      if (isLastTry && error.isTransient) throw toFailure(error);
      if (!isLastTry) {
        this.lastFailure = refusalReason(error);
        return;
      }
    }
    endFile(file, outcomeWithoutObject('Failed', why, file.sourceState));
  }

  /** Looks whether a write whose answer was lost had come through: true where it has. Throws StorageError. */
  async confirm(file: ChunkFile): Promise<boolean> {
    const { destination, sourceState, lock } = file;
    const written = await this.#options.objects.stat(destination);
    if (written === undefined || sourceState === undefined || lock === undefined) return false;
    if (!isOwnCopy(written, sourceState, lock)) return false;
    endFile(file, completed(written, sourceState));
    return true;
  }
}
