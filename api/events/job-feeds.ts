import type { Logger } from '../../config/logger.ts';
import type { JobStatus } from '../../contract/messages.ts';
import type { Clock } from '../../storage/pacing/clock.ts';
import type { JobService, Viewer } from '../jobs/job-service.ts';
import type { Share } from '../limits.ts';
import { Quota } from '../quota.ts';
import { JobFeed, type Seat } from './job-feed.ts';

interface Watched {
  feed: JobFeed;
  /** Who has been found to be allowed to see the job. */
  viewers: Set<string>;
}

function nameOf({ caller, isAdmin }: Viewer): string {
  return JSON.stringify([caller, isAdmin]);
}

/** The jobs that are listened to. However many listen to one, it is looked at by one feed. */
export class JobFeeds {
  readonly #jobs: Pick<JobService, 'status'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #quota: Quota;
  readonly #watched = new Map<string, Watched>();
  /** First looks that are under way, by job and viewer: many who come at once wait for one. */
  readonly #firstLooks = new Map<string, Promise<JobStatus>>();

  constructor(deps: { jobs: Pick<JobService, 'status'>; clock: Clock; log: Logger; share: Share }) {
    this.#jobs = deps.jobs;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#quota = new Quota(deps.share);
  }

  /** Jobs that are looked at now. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Takes a seat at a job's feed. Throws JobNotFoundError, ServiceUnavailableError, and HttpError where too many jobs are
   * looked at.
   */
  async join(correlationId: string, viewer: Viewer): Promise<Seat> {
    const name = nameOf(viewer);
    const known = this.#watched.get(correlationId);
    if (known?.viewers.has(name) === true) return known.feed.join();
    const status = await this.#firstLook(correlationId, viewer);
    const watched = this.#watched.get(correlationId) ?? this.#watch(correlationId, viewer, status);
    watched.viewers.add(name);
    return watched.feed.join();
  }

  #firstLook(correlationId: string, viewer: Viewer): Promise<JobStatus> {
    const key = correlationId + nameOf(viewer);
    const underWay = this.#firstLooks.get(key);
    if (underWay !== undefined) return underWay;
    const look = this.#jobs.status(correlationId, viewer).finally(() => {
      this.#firstLooks.delete(key);
    });
    this.#firstLooks.set(key, look);
    return look;
  }

  #watch(correlationId: string, viewer: Viewer, first: JobStatus): Watched {
    const release = this.#quota.take(viewer.caller);
    const feed = new JobFeed({
      first,
      look: () => this.#jobs.status(correlationId, viewer),
      clock: this.#clock,
      log: this.#log.child({ correlationId }),
      onEmpty: () => {
        release();
        this.#watched.delete(correlationId);
      },
    });
    const watched = { feed, viewers: new Set<string>() };
    this.#watched.set(correlationId, watched);
    return watched;
  }
}
