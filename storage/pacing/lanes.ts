import { BucketLimiter } from './bucket-limiter.ts';
import { MONOTONIC_CLOCK, type Clock } from './clock.ts';
import { LaneGroup, type LaneGroupOptions, type LaneKeeper, type LaneTask } from './lane-group.ts';
import { join, moveToEnd, type Line } from './lines.ts';
import type { RightOfWay } from './right-of-way.ts';

export interface LanesOptions {
  /** Writes in flight at a time. */
  lanes: number;
  /** Whether buckets are held to the request rate guideline from their first write on. */
  followsGuideline: boolean;
  /** By which bulk work waits for short work. Default: it does not. */
  rightOfWay?: RightOfWay;
  clock?: Clock;
}

/** Between two looks at what waits for a rate, in milliseconds: a timer for each write would cost more than it. */
const LEAST_PAUSE_MS = 5;

/** Between two looks at how much of the lanes is left to bulk work, in milliseconds, where none of its writes ends. */
const ROOM_PAUSE_MS = 100;

/**
 * The lanes of one process: so many writes are in flight at a time, whichever activities they are of. Before a lane is
 * given, the bucket and the group must have room (see BucketLimiter). Short groups go first, jobs of the same priority
 * take turns. Of the groups of one job the oldest goes first: so they end one after the other, and what each has to do
 * at its end is done while the next ones write. Where nothing waits, entering and leaving cost a few comparisons.
 */
export class Lanes implements LaneKeeper {
  readonly #clock: Clock;
  readonly #followsGuideline: boolean;
  readonly #rightOfWay: RightOfWay | undefined;
  readonly #buckets = new Map<string, BucketLimiter>();
  /** Lines in which something waits, those whose turn is next first; the lines of a job stand together. */
  readonly #lines: Record<LaneGroupOptions['priority'], Line[]> = { short: [], bulk: [] };
  #groups = 0;
  #free: number;
  #bulkInUse = 0;
  /** Whether a lane is free that bulk work would take, if it had not to give way. */
  #givesWay = false;
  #isDispatching = false;
  #timer: { due: number; cancel: () => void } | undefined;

  constructor({ lanes, followsGuideline, rightOfWay, clock = MONOTONIC_CLOCK }: LanesOptions) {
    this.#free = lanes;
    this.#rightOfWay = rightOfWay;
    rightOfWay?.watch(() => {
      this.#dispatch();
    });
    this.#clock = clock;
    this.#followsGuideline = followsGuideline;
    this.size = lanes;
  }

  /** How many lanes there are. */
  readonly size: number;

  /** Writes in flight. */
  get inUse(): number {
    return this.size - this.#free;
  }

  /** Whether a lane is free that nothing which waits may have: more work could be done than there is. */
  get isIdle(): boolean {
    return this.#free > 0 && !this.#givesWay;
  }

  /** Writes that wait for a lane, or for their bucket or group to have room. */
  get waiting(): number {
    const lines = [...this.#lines.short, ...this.#lines.bulk];
    return lines.reduce((count, { waiting }) => count + waiting.length, 0);
  }

  /** The buckets that were written, by name. */
  get buckets(): ReadonlyMap<string, BucketLimiter> {
    return this.#buckets;
  }

  /** A new group: the writes of one activity, say. */
  group(options: LaneGroupOptions): LaneGroup {
    this.#groups += 1;
    const group = new LaneGroup(this, this.#groups, options);
    if (options.isContinued === true) group.rate?.started(this.#clock.now());
    return group;
  }

  admit(group: LaneGroup, bucketName: string): boolean {
    const isBulk = group.priority === 'bulk';
    // Short work goes before whatever bulk work is waiting for.
    if (this.#free === 0 || this.#lines.short.length > 0 || (isBulk && this.#lines.bulk.length > 0)) return false;
    const bucket = this.#bucket(bucketName);
    const now = this.#clock.now();
    if (isBulk && (this.#roomForBulk(now) <= 0 || this.#bulkWait(now) > 0)) return false;
    if (waitOf(group, bucket, now) > 0) return false;
    this.#start(group, bucket, now);
    return true;
  }

  queue(group: LaneGroup, bucketName: string, task: LaneTask): void {
    const bucket = this.#bucket(bucketName);
    const lines = this.#lines[group.priority];
    const line = lines.find((other) => other.group === group && other.bucket === bucket);
    if (line === undefined) join(lines, { group, bucket, waiting: [task] });
    else line.waiting.push(task);
    this.#dispatch();
  }

  release({ priority }: LaneGroup, bucketName: string, error: unknown): void {
    if (error !== undefined) this.#bucket(bucketName).failed(this.#clock.now(), error);
    this.#free += 1;
    if (priority === 'bulk') this.#bulkInUse -= 1;
    this.#dispatch();
  }

  dismiss(group: LaneGroup): void {
    const lines = this.#lines[group.priority];
    for (const line of lines.filter((other) => other.group === group)) {
      lines.splice(lines.indexOf(line), 1);
      for (const task of line.waiting) task.dismiss();
    }
  }

  #bucket(name: string): BucketLimiter {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = new BucketLimiter({ followsGuideline: this.#followsGuideline });
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  #start(group: LaneGroup, bucket: BucketLimiter, now: number): void {
    this.#free -= 1;
    if (group.priority === 'bulk') this.#bulkInUse += 1;
    bucket.started(now);
    group.rate?.started(now);
  }

  /** Gives the free lanes to whom they belong, and looks again when the first of those may start who may not yet. */
  #dispatch(): void {
    // Whoever is given a lane may give it back before the next one is told of its own.
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    for (let isSettled = false; !isSettled && this.#free > 0;) {
      const admitted: LaneTask[] = [];
      const now = this.#clock.now();
      const shortWait = this.#admitFrom(this.#lines.short, now, admitted, this.size);
      const wait = Math.min(shortWait, this.#admitBulk(now, admitted));
      if (wait < Number.POSITIVE_INFINITY) this.#lookAgain(now + Math.max(wait, LEAST_PAUSE_MS));
      for (const task of admitted) task.start();
      isSettled = admitted.length === 0;
    }
    this.#isDispatching = false;
  }

  /** As `#admitFrom`, for bulk work, as far as short work leaves it room. */
  #admitBulk(now: number, admitted: LaneTask[]): number {
    this.#givesWay = false;
    if (this.#lines.bulk.length === 0) {
      this.#rightOfWay?.waitsNoMore();
      return Number.POSITIVE_INFINITY;
    }
    const bulkWait = this.#bulkWait(now);
    this.#givesWay = bulkWait > 0;
    if (bulkWait > 0) return bulkWait;
    const room = this.#roomForBulk(now);
    const wait = this.#admitFrom(this.#lines.bulk, now, admitted, room);
    // None of those under way may end for long; by then it may have more room.
    this.#givesWay = this.#lines.bulk.length > 0 && this.#free > 0 && this.#roomForBulk(now) <= 0;
    return this.#givesWay ? Math.min(wait, ROOM_PAUSE_MS) : wait;
  }

  #bulkWait(now: number): number {
    return this.#rightOfWay?.wait(now) ?? 0;
  }

  #roomForBulk(now: number): number {
    const lanes = this.#rightOfWay?.lanesOfBulk(this.size, now) ?? this.size;
    return lanes - this.#bulkInUse;
  }

  /** Gives lanes to so many at most. Milliseconds until the first of those left may start; infinite: nobody is left, or no lane. */
  #admitFrom(lines: Line[], now: number, admitted: LaneTask[], most: number): number {
    let shortestWait = Number.POSITIVE_INFINITY;
    let left = most;
    for (let index = 0; this.#free > 0 && left > 0;) {
      const line = lines[index];
      if (line === undefined) return shortestWait;
      const wait = waitOf(line.group, line.bucket, now);
      if (wait > 0) {
        shortestWait = Math.min(shortestWait, wait);
        index += 1;
        continue;
      }
      const task = line.waiting.shift();
      if (line.waiting.length === 0) lines.splice(index, 1);
      index = moveToEnd(lines, line.group);
      if (task === undefined) continue;
      this.#start(line.group, line.bucket, now);
      left -= 1;
      admitted.push(task);
    }
    return Number.POSITIVE_INFINITY;
  }

  #lookAgain(due: number): void {
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(due - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#dispatch();
    });
    this.#timer = { due, cancel };
  }
}

function waitOf({ rate }: LaneGroup, bucket: BucketLimiter, now: number): number {
  const wait = bucket.wait(now);
  return rate === undefined ? wait : Math.max(wait, rate.wait(now));
}
