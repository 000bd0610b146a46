import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { failure } from '../failures.ts';
import { LeaseGroup } from './lease-groups.ts';

/** Heartbeats begin when an attempt is so old, in milliseconds: one that copies a small file sends none. */
const FIRST_BEAT_MS = 150;

/** Between heartbeats of one that another one listens for, in milliseconds, or a fifth of the time-out, if that is less. */
const KEEP_ALIVE_MS = 2_000;

/**
 * Temporal counts from when it handed the task out. Up to so much of the heartbeat time-out may have gone by when the
 * attempt begins: a task that comes after a longer stop of the process is refused (worker/after-stop.ts).
 */
const LATE_START_SHARE = 0.5;

/**
 * A local activity sends no heartbeats: its right ends with its workflow task, which another worker may be given so long
 * after this process was stopped, in milliseconds (Temporal's worker renews it after 8 s of its 10).
 */
const LOCAL_TIMEOUT_MS = 2_000;

/** What is said where an attempt sees, by a look at its lock, that others hold it. */
export const LOCK_LOST_SENTENCE = 'the lock on the destination was broken or taken over';

/** What an attempt at one file fails with then. */
export function lockLost(): Error {
  return failure('LOCK_LOST', LOCK_LOST_SENTENCE);
}

/**
 * An attempt's right to write: it lasts while its heartbeats go out. A process that was stopped for longer than the
 * heartbeat time-out has lost it (by then Temporal has given the file to another worker), however it looks from inside,
 * so the age of the last heartbeat is checked by the monotonic clock before each write.
 */
export class Lease implements Disposable {
  readonly #context: Context;
  readonly #group: LeaseGroup;
  readonly #stopped = new AbortController();
  readonly #timeoutMs: number;
  readonly #begunAt = performance.now();
  /** When the last heartbeat was sent, by the monotonic clock; undefined: none was. */
  #lastBeat: number | undefined;
  #details: unknown;

  /** `group`: the attempts that the job stops together with this one. Default: it is by itself. */
  constructor(context: Context, group = new LeaseGroup()) {
    this.#context = context;
    this.#group = group;
    const { isLocal, heartbeatTimeoutMs = Number.POSITIVE_INFINITY } = context.info;
    this.#timeoutMs = isLocal ? LOCAL_TIMEOUT_MS : heartbeatTimeoutMs;
    // A heartbeat without details would wipe out what the attempt before has left.
    this.#details = context.info.heartbeatDetails;
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

  /** Whether it is to ask Temporal for all of its group, and would be answered. */
  get canListen(): boolean {
    const { info, cancellationSignal } = this.#context;
    return !info.isLocal && this.#age >= FIRST_BEAT_MS && !cancellationSignal.aborted && !this.#isStale();
  }

  get #age(): number {
    return performance.now() - this.#begunAt;
  }

  /** Another attempt of its group has heard that the job asks to stop. */
  stop(): void {
    this.#stopped.abort();
  }

  #hear(): void {
    if (this.#isAskedToStop) this.#group.stop();
    else if (this.#context.cancellationDetails?.notFound === true) this.#group.ask();
    this.#stopped.abort();
  }

  get #isAskedToStop(): boolean {
    return this.#context.cancellationDetails?.cancelRequested === true;
  }

  /**
   * Whether another attempt has its place, or will have, and knows nothing of what this one makes from now on. Of one that
   * is over because its worker shuts down it is known: the next one goes on from what it has made.
   */
  get isLost(): boolean {
    const { notFound, timedOut, reset } = this.#context.cancellationDetails ?? {};
    return this.#isStale() || this.#isAskedToStop || notFound === true || timedOut === true || reset === true;
  }

  /** Called often: sends a heartbeat where it `listens`, or where it is time to, so that Temporal takes it for alive. */
  beat(listens: boolean): void {
    if (this.#isStale()) return;
    const now = performance.now();
    if (this.#context.info.isLocal) this.#lastBeat = now;
    else if (listens || now - (this.#lastBeat ?? this.#begunAt) >= Math.min(KEEP_ALIVE_MS, this.#timeoutMs / 5)) {
      this.#lastBeat = now;
      this.#context.heartbeat(this.#details);
    }
  }

  #isStale(): boolean {
    const { isLocal } = this.#context.info;
    if (this.#lastBeat !== undefined) return performance.now() - this.#lastBeat >= this.#timeoutMs;
    return this.#age >= this.#timeoutMs * (isLocal ? 1 : LATE_START_SHARE);
  }

  /** What the next attempt is to find, should this one be lost. */
  note(details: unknown): void {
    this.#details = details;
  }

  /** Has the next attempt find what was noted by now: this one is about to fail. */
  tell(): void {
    if (!this.#context.info.isLocal && !this.#isStale()) this.#context.heartbeat(this.#details);
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
    this.#group.delete(this);
  }
}

/**
 * When this attempt was begun, by Temporal's clock, in milliseconds since the epoch. 0 for a local activity, of which that
 * knows nothing: it renews no lock (`FirstAttempt`), and every task comes after it.
 */
export function attemptBegunAt(): number {
  const { isLocal, currentAttemptScheduledTimestampMs } = Context.current().info;
  return isLocal ? 0 : currentAttemptScheduledTimestampMs;
}
