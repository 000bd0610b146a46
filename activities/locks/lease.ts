import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { failure } from '../failures.ts';

/** Between heartbeats. The worker sends at most every 250 ms, and hears of a cancellation only when it sends. */
const HEARTBEAT_INTERVAL_MS = 200;

/**
 * A local activity sends no heartbeats: its right ends with its workflow task, which another worker may be given so long
 * after this process was stopped, in milliseconds (Temporal's worker renews it after 8 s of its 10).
 */
const LOCAL_TIMEOUT_MS = 2_000;

/**
 * An attempt's right to write: it lasts while its heartbeats go out. A process that was stopped for longer than the
 * heartbeat time-out has lost it (by then Temporal has given the file to another worker), however it looks from inside,
 * so the age of the last heartbeat is checked by the monotonic clock before each write.
 */
export class Lease implements Disposable {
  readonly #context: Context;
  readonly #timer: NodeJS.Timeout;
  readonly #timeoutMs: number;
  #lastBeat = performance.now();
  #details: unknown;

  constructor(context: Context) {
    this.#context = context;
    const { isLocal, heartbeatTimeoutMs = Number.POSITIVE_INFINITY } = context.info;
    this.#timeoutMs = isLocal ? LOCAL_TIMEOUT_MS : heartbeatTimeoutMs;
    // A heartbeat without details would wipe out what the attempt before has left.
    this.#details = context.info.heartbeatDetails;
    this.#timer = setInterval(() => {
      this.#beat();
    }, HEARTBEAT_INTERVAL_MS);
  }

  #beat(): void {
    if (this.#isStale()) return;
    this.#lastBeat = performance.now();
    if (!this.#context.info.isLocal) this.#context.heartbeat(this.#details);
  }

  #isStale(): boolean {
    return performance.now() - this.#lastBeat >= this.#timeoutMs;
  }

  /** What the next attempt is to find, should this one be lost. */
  note(details: unknown): void {
    this.#details = details;
  }

  /**
   * Whether the job asked to stop: no further write may be sent, and what was done so far is the result. Throws a
   * retryable failure where the attempt itself is over: the worker shuts down, or another attempt has its place.
   */
  isCancelled(): boolean {
    if (this.#isStale()) throw failure('WORKER_LOST', 'the worker was stopped for longer than its heartbeat time-out');
    if (!this.#context.cancellationSignal.aborted) return false;
    if (this.#context.cancellationDetails?.cancelRequested === true) return true;
    throw failure('WORKER_LOST', 'the worker is shutting down, or the attempt has been given to another one');
  }

  /** Throws where no further write may be sent: a cancellation where the job asked to stop, else as `isCancelled` does. */
  check(): void {
    if (this.isCancelled()) throw new CancelledFailure('the job was cancelled meanwhile');
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
