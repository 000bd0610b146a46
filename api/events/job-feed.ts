import { createHash } from 'node:crypto';
import type { Logger } from '../../config/logger.ts';
import type { JobStatus } from '../../contract/messages.ts';
import { isEndState } from '../../contract/states.ts';
import type { Clock } from '../../storage/pacing/clock.ts';
import { JobNotFoundError } from '../jobs/job-service.ts';
import { jobView } from '../views/job-view.ts';

/** How often a job is looked at, and told of, in milliseconds. */
export const FEED_PACE = {
  /** Between two looks at a job that moves, and two events of it: two a second. What happens meanwhile is in the next. */
  shortestMs: 500,
  /** Between two looks at one that stands still: paused, waiting for a lock, or copying one large file. */
  longestMs: 2_000,
  /** Between two looks where many listen, who are told of the job less often. */
  crowdedMs: 1_000,
  /**
   * For each listener, between two events: twenty events a second in all, however many listen to a job. One costs 0.2 to
   * 0.3 ms of CPU, most of it in streams and sockets, so they cost as much as the looks that are spared where many listen.
   */
  eventPerListenerMs: 50,
  /** The longest that many listeners make each other wait. */
  longestGapMs: 10_000,
  /** A look that takes long is a service under load: at least this many times as long passes before the next. */
  restPerLook: 2,
  /** For so long a job may be unreadable before its listeners are sent away, to ask anew. */
  unreadableMs: 30_000,
} as const;

/** A job as it stood at one look. */
export interface Snapshot {
  /** Names what is in `data`: the same in every process, so that a listener may go on at another one. */
  id: string;
  /** The job as JSON, on one line. */
  data: string;
  /** A job that was ended by force has not come to its end before its files are settled. */
  isEnd: boolean;
}

/** A place among a feed's listeners, to be given back. */
export interface Seat {
  readonly feed: JobFeed;
  /** Called when there is a new snapshot, or no further one will come. */
  onChange: () => void;
  leave(): void;
}

function snapshotOf(status: JobStatus): Snapshot {
  const data = JSON.stringify(jobView(status));
  const id = createHash('sha256').update(data).digest('base64url').slice(0, 16);
  return { id, data, isEnd: isEndState(status.state) && status.endedAt !== null };
}

/**
 * One job that is listened to: looks at it on behalf of all its listeners, from the first that joins to the last that
 * leaves, and not after its end.
 */
export class JobFeed {
  readonly #look: () => Promise<JobStatus>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onEmpty: () => void;
  readonly #seats = new Set<Seat>();
  #latest: Snapshot;
  #isOver = false;
  #pauseMs: number = FEED_PACE.shortestMs;
  #unreadableSince: number | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(deps: {
    /** How the job stands now; throws what JobService.status throws. */
    look: () => Promise<JobStatus>;
    first: JobStatus;
    clock: Clock;
    log: Logger;
    /** Called when the last listener has left. */
    onEmpty: () => void;
  }) {
    this.#look = deps.look;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#onEmpty = deps.onEmpty;
    this.#latest = snapshotOf(deps.first);
  }

  get latest(): Snapshot {
    return this.#latest;
  }

  /** How long each listener has between two events. */
  get gapMs(): number {
    const shared = this.#seats.size * FEED_PACE.eventPerListenerMs;
    return Math.min(Math.max(FEED_PACE.shortestMs, shared), FEED_PACE.longestGapMs);
  }

  /** No further snapshot will come, although the job may not have ended: it is gone, or cannot be read. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Listens until the seat is given back. */
  join(): Seat {
    if (this.#seats.size === 0) this.#schedule();
    const seat: Seat = {
      feed: this,
      onChange: () => undefined,
      leave: () => {
        if (!this.#seats.delete(seat) || this.#seats.size > 0) return;
        this.#cancelTimer();
        this.#onEmpty();
      },
    };
    this.#seats.add(seat);
    return seat;
  }

  #schedule(): void {
    if (this.#latest.isEnd || this.#isOver) return;
    this.#cancelTimer = this.#clock.after(this.#pauseMs, () => {
      this.#lookAgain().catch((error: unknown) => {
        this.#log.error({ err: error }, 'a job is no longer looked at');
        this.#end();
      });
    });
  }

  async #lookAgain(): Promise<void> {
    const startedAt = this.#clock.now();
    const snapshot = await this.#look().then(
      (status) => this.#noteReadable(status),
      (error: unknown) => (error instanceof JobNotFoundError ? undefined : this.#noteUnreadable(error, startedAt)),
    );
    // Whoever comes after the last one has left gets a feed of their own.
    if (this.#seats.size === 0) return;
    if (snapshot === undefined) {
      this.#end();
      return;
    }
    const hasChanged = snapshot.id !== this.#latest.id;
    this.#latest = snapshot;
    const rest = (this.#clock.now() - startedAt) * FEED_PACE.restPerLook;
    // More often than is told of, so that the end is known soon.
    const shortest = Math.max(FEED_PACE.shortestMs, Math.min(this.gapMs / 2, FEED_PACE.crowdedMs));
    const usual = hasChanged ? shortest : Math.max(shortest, this.#pauseMs * 1.5);
    this.#pauseMs = Math.max(Math.min(usual, FEED_PACE.longestMs), rest);
    this.#schedule();
    if (hasChanged) this.#tell();
  }

  #noteReadable(status: JobStatus): Snapshot {
    this.#unreadableSince = undefined;
    return snapshotOf(status);
  }

  /** What was known stands for a while; undefined: for too long. */
  #noteUnreadable(error: unknown, at: number): Snapshot | undefined {
    this.#log.warn({ err: error }, 'a job that is listened to cannot be read');
    this.#unreadableSince ??= at;
    return at - this.#unreadableSince < FEED_PACE.unreadableMs ? this.#latest : undefined;
  }

  #end(): void {
    this.#isOver = true;
    this.#tell();
  }

  #tell(): void {
    for (const seat of this.#seats) seat.onChange();
  }
}
