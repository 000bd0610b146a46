import { matches, type Matcher } from './rules.ts';
import type { Operation, StorageRequest } from './storage-request.ts';

/** A moment by both clocks, in milliseconds: `performance.now()` of this process, and since the epoch. */
export interface Moment {
  monotonic: number;
  epoch: number;
}

export function now(): Moment {
  return { monotonic: performance.now(), epoch: Date.now() };
}

/** A request that came, and how it was answered. */
export interface LoggedRequest {
  readonly operation: Operation;
  readonly bucket: string;
  readonly name: string;
  readonly query: Readonly<Record<string, string>>;
  /** Of a rewrite; other bodies are not kept. */
  readonly body: string;
  readonly arrivedAt: Moment;
  /** Status of the answer, `reset` where the connection was broken instead; undefined while it is under way. */
  status: number | 'reset' | undefined;
  answeredAt: Moment | undefined;
}

/** How many requests are remembered; older ones are forgotten. */
const CAPACITY = 20_000;

/** What storage was asked, and what it really wrote. */
export class RequestLog {
  readonly #requests: LoggedRequest[] = [];
  #forgotten = 0;
  readonly #writes = new Map<string, number>();
  readonly #waiting = new Set<{ matcher: Matcher; resolve: (request: LoggedRequest) => void }>();

  arrived(request: StorageRequest): LoggedRequest {
    const { operation, bucket, name, query } = request;
    const body = operation === 'rewrite' ? request.body.toString() : '';
    const entry: LoggedRequest = {
      ...{ operation, bucket, name, query, body },
      ...{ arrivedAt: now(), status: undefined, answeredAt: undefined },
    };
    this.#requests.push(entry);
    if (this.#requests.length > CAPACITY) this.#forgotten += this.#requests.splice(0, CAPACITY / 10).length;
    for (const waiting of this.#waiting) {
      if (!matches(waiting.matcher, entry)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(entry);
    }
    return entry;
  }

  answered(entry: LoggedRequest, status: number | 'reset'): void {
    entry.status = status;
    entry.answeredAt = now();
  }

  written({ bucket, name }: StorageRequest): void {
    const key = `${bucket}\n${name}`;
    this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
  }

  writes(bucket: string, name: string): number {
    return this.#writes.get(`${bucket}\n${name}`) ?? 0;
  }

  requests(matcher: Matcher): LoggedRequest[] {
    return this.#requests.filter((entry) => matches(matcher, entry));
  }

  /** Gives, each time it is called, those that have come since now. Throws where some of these are forgotten. */
  fromNow(matcher: Matcher): () => LoggedRequest[] {
    const begin = this.#forgotten + this.#requests.length;
    return () => {
      if (this.#forgotten > begin) throw new Error('requests are asked for that are forgotten');
      return this.#requests.slice(begin - this.#forgotten).filter((entry) => matches(matcher, entry));
    };
  }

  next(matcher: Matcher): Promise<LoggedRequest> {
    const { promise, resolve } = Promise.withResolvers<LoggedRequest>();
    this.#waiting.add({ matcher, resolve });
    return promise;
  }
}
