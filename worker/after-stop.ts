import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { reason, type ReasonCode } from '../contract/reasons.ts';

const CODE: ReasonCode = 'WORKER_LOST';

/** Between two signs of life, in milliseconds. */
const BEAT_EVERY_MS = 500;

/** A process that gave none for so long, in milliseconds, was stopped: half of what heartbeats may stay away for. */
const STOPPED_MS = 5_000;

/** So long after that, in milliseconds, tasks come that Temporal handed out while it was stopped. */
const LATE_MS = 3_000;

export interface PulseOptions {
  /** Milliseconds by a clock that never goes back, and goes on while the process is stopped. */
  now?: () => number;
}

/** Tells whether this process was stopped a moment ago (SIGSTOP, a machine that was frozen), and does not know it yet. */
export class Pulse implements Disposable {
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastBeat: number;
  #stoppedUntil = Number.NEGATIVE_INFINITY;

  constructor({ now = () => performance.now() }: PulseOptions = {}) {
    this.#now = now;
    this.#lastBeat = now();
    this.#timer = setInterval(() => {
      this.#beat();
    }, BEAT_EVERY_MS).unref();
  }

  #beat(): void {
    const now = this.#now();
    if (now - this.#lastBeat >= STOPPED_MS) this.#stoppedUntil = now;
    this.#lastBeat = now;
  }

  get wasStopped(): boolean {
    // What comes first after a stop may be a task, and not the timer.
    this.#beat();
    return this.#now() - this.#stoppedUntil < LATE_MS;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * Has activities fail that come right after this process was stopped, so that they are tried again. Temporal goes on
 * handing tasks to the polls of a process that is stopped; such a task may have been taken away again for want of
 * heartbeats, and its files looked for, while the attempt that would begin now takes itself for a new one.
 */
export function refuseLateTasks(pulse: Pick<Pulse, 'wasStopped'>): ActivityInterceptorsFactory {
  return ({ info: { attempt, heartbeatTimeoutMs } }) => ({
    inbound: {
      async execute(input, next) {
        // What sends no heartbeats is judged by none, and writes nothing that another attempt does not write as well.
        if (heartbeatTimeoutMs !== undefined && pulse.wasStopped) {
          const message = reason(CODE, 'the worker was stopped: its task may have been given to another one');
          throw ApplicationFailure.create({ message, type: CODE, details: [attempt - 1] });
        }
        return await next(input);
      },
    },
  });
}
