import { FEED_PACE, type JobFeed, type Snapshot } from './job-feed.ts';

/** How one listener is served, in milliseconds. */
export const STREAM_PACE = {
  /** Without an event for so long, a comment says that the connection lives. Proxies cut after a minute of silence. */
  heartbeatMs: 15_000,
  /** A client that does not take what is sent within this time is gone, or too slow. */
  writeMs: 10_000,
  /** Then a stream is closed, so that the token is looked at again when its client comes back. */
  longestMs: 15 * 60_000,
  /** How soon a client should come back. */
  retryMs: 2_000,
} as const;

const endId = ({ id }: Snapshot) => `${id}.end`;

/** Whether a client that comes back has had the last event already. */
export function hasHadAll({ latest }: JobFeed, lastEventId: string | undefined): boolean {
  return latest.isEnd && lastEventId === endId(latest);
}

function message(event: 'progress' | 'end', id: string, { data }: Snapshot): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

/** What is to be sent now; no text: nothing. */
interface Outgoing {
  text: string;
  isEvent: boolean;
  isLast: boolean;
}

const NOTHING: Outgoing = { text: '', isEvent: false, isLast: false };

/** What one client has been sent, and what it is to be sent next. */
export class Ledger {
  #sentId: string | undefined;
  #hasHadProgress = false;
  /** When the last event was sent; long ago where none was. */
  #eventAt = Number.NEGATIVE_INFINITY;
  #writtenAt: number;

  constructor(lastEventId: string | undefined, now: number) {
    this.#sentId = lastEventId;
    this.#writtenAt = now;
  }

  /** What to send of a feed now. */
  next({ latest, gapMs }: JobFeed, now: number): Outgoing {
    if (this.#isNew(latest) && now >= this.#mayAt(latest, gapMs)) {
      return { text: this.#events(latest), isEvent: true, isLast: latest.isEnd };
    }
    if (now < this.#writtenAt + STREAM_PACE.heartbeatMs) return NOTHING;
    return { ...NOTHING, text: ': the job is being watched\n\n' };
  }

  /** When there will be something to send, unless the job changes before. */
  dueAt({ latest, gapMs }: JobFeed): number {
    return this.#isNew(latest) ? this.#mayAt(latest, gapMs) : this.#writtenAt + STREAM_PACE.heartbeatMs;
  }

  /** Whether the job has changed since the last event. */
  hasNew({ latest }: JobFeed): boolean {
    return this.#isNew(latest);
  }

  note(latest: Snapshot, { isEvent }: Outgoing, now: number): void {
    this.#writtenAt = now;
    if (!isEvent) return;
    this.#eventAt = now;
    this.#sentId = latest.id;
    this.#hasHadProgress = true;
  }

  /** When the next event may be: the end need not wait for long, however many listen. */
  #mayAt({ isEnd }: Snapshot, gapMs: number): number {
    return this.#eventAt + (isEnd ? FEED_PACE.shortestMs : gapMs);
  }

  #isNew(latest: Snapshot): boolean {
    return latest.isEnd || latest.id !== this.#sentId;
  }

  #events(latest: Snapshot): string {
    if (!latest.isEnd) return message('progress', latest.id, latest);
    // Whoever hears of the end first is told how far the job came as anybody else.
    const isFirst = !this.#hasHadProgress && latest.id !== this.#sentId;
    const progress = isFirst ? message('progress', latest.id, latest) : '';
    return progress + message('end', endId(latest), latest);
  }
}
