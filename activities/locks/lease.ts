import type { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { failure } from '../failures.ts';
import { LeaseGroup } from './lease-groups.ts';

/** Between heartbeats of one that listens. The worker sends at most every 250 ms, and hears of a cancellation only when it sends. */
const HEARTBEAT_INTERVAL_MS = 200;

/** Between heartbeats of one that another one listens for. */
const KEEP_ALIVE_MS = 2_000;

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
  readonly #group: LeaseGroup;
  readonly #stopped = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #timeoutMs: number;
  /** When the last heartbeat was sent, by the monotonic clock. */
  #lastBeat = performance.now();
  #details: unknown;

  /** `group`: the attempts that the job stops together with this one. Default: it is by itself. */
  constructor(context: Context, group = new LeaseGroup()) {
    this.#context = context;
    this.#group = group;
    const { isLocal, heartbeatTimeoutMs = Number.POSITIVE_INFINITY } = context.info;
    this.#timeoutMs = isLocal ? LOCAL_TIMEOUT_MS : heartbeatTimeoutMs;
    // A heartbeat without details would wipe out what the attempt before has left.
    this.#details = context.info.heartbeatDetails;
    this.#timer = setInterval(() => {
      this.#beat();
    }, HEARTBEAT_INTERVAL_MS);
    group.add(this);
    const { cancellationSignal: signal } = context;
    if (group.isStopped) this.stop();
    if (signal.aborted) this.#hear();
    else {
      signal.addEventListener('abort', () => {
        this.#hear();
      });
    }
  }

  /** Aborted as soon as no further write may be sent, whether the job asked to stop or the attempt is over. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Whether Temporal's answers to its heartbeats tell when the job asks to stop. */
  get canListen(): boolean {
    return !this.#context.info.isLocal && !this.#context.cancellationSignal.aborted && !this.#isStale();
  }

  /** Another attempt of its group has heard that the job asks to stop. */
  stop(): void {
    this.#stopped.abort();
  }

  #hear(): void {
    if (this.#isAskedToStop) this.#group.stop();
    this.#stopped.abort();
  }

  get #isAskedToStop(): boolean {
    return this.#context.cancellationDetails?.cancelRequested === true;
  }

  #beat(): void {
    if (this.#isStale()) return;
    const now = performance.now();
    if (this.#context.info.isLocal) this.#lastBeat = now;
    else if (now - this.#lastBeat >= KEEP_ALIVE_MS || this.#group.isListener(this)) {
      this.#lastBeat = now;
      this.#context.heartbeat(this.#details);
    }
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
    if (!this.#context.cancellationSignal.aborted) return this.#group.isStopped;
    if (this.#isAskedToStop) return true;
    throw failure('WORKER_LOST', 'the worker is shutting down, or the attempt has been given to another one');
  }

  /** Throws where no further write may be sent: a cancellation where the job asked to stop, else as `isCancelled` does. */
  check(): void {
    if (this.isCancelled()) throw new CancelledFailure('the job was cancelled meanwhile');
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#group.delete(this);
  }
}
