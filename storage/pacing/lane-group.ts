import { Rate } from './rate.ts';

export interface LaneGroupOptions {
  /** `short`: goes before all that is `bulk`. */
  priority: 'short' | 'bulk';
  /** Groups of one job have one turn among them, which is the oldest's; undefined: a group by itself. */
  job?: string;
  /** Writes a second of this group; undefined: no bound of its own. */
  filesPerSecond?: number | undefined;
  /** Whether others have written at this rate until now: the first write waits as if it came after theirs. */
  isContinued?: boolean;
}

/** A write that is to have a lane. One of the two is called, once. They must not throw. */
export interface LaneTask {
  /** It has a lane, to be given back by `leave`. */
  start(): void;
  /** The group was closed before: nothing is to be written. */
  dismiss(): void;
}

/** Who gives groups their lanes. */
export interface LaneKeeper {
  /** Gives a lane, if that can be at once. */
  admit(group: LaneGroup, bucket: string): boolean;
  /** Gives a lane once there is one. */
  queue(group: LaneGroup, bucket: string, task: LaneTask): void;
  /** Takes a lane back, with what the write failed with. */
  release(group: LaneGroup, bucket: string, error: unknown): void;
  /** Sends those away who wait in this group. */
  dismiss(group: LaneGroup): void;
}

/** The writes of one activity, as far as lanes are concerned. Disposing of it sends away what still waits. */
export class LaneGroup implements Disposable {
  readonly priority: LaneGroupOptions['priority'];
  readonly job: string | undefined;
  /** The older a group, the lower. */
  readonly number: number;
  readonly rate: Rate | undefined;
  readonly #lanes: LaneKeeper;
  #isClosed = false;

  constructor(lanes: LaneKeeper, number: number, { priority, job, filesPerSecond }: LaneGroupOptions) {
    this.#lanes = lanes;
    this.number = number;
    this.priority = priority;
    this.job = job;
    this.rate = filesPerSecond === undefined ? undefined : new Rate(filesPerSecond);
  }

  /** Has a write to this bucket begin in a lane of its own: now, or once there is one. */
  submit(bucket: string, task: LaneTask): void {
    if (this.#isClosed) task.dismiss();
    else if (this.#lanes.admit(this, bucket)) task.start();
    else this.#lanes.queue(this, bucket, task);
  }

  /**
   * Waits for a lane to write to this bucket. True: there is one, to be given back by `leave`. False: the group was
   * closed, and nothing is to be written.
   */
  enter(bucket: string): boolean | Promise<boolean> {
    if (this.#isClosed) return false;
    if (this.#lanes.admit(this, bucket)) return true;
    return new Promise((resolve) => {
      this.#lanes.queue(this, bucket, {
        start() {
          resolve(true);
        },
        dismiss() {
          resolve(false);
        },
      });
    });
  }

  /** Gives the lane back, with what the write failed with. */
  leave(bucket: string, error?: unknown): void {
    this.#lanes.release(this, bucket, error);
  }

  /**
   * Does a piece of work that writes to this bucket in a lane of its own. Undefined where the group is closed, or where
   * the work, having waited, sends nothing.
   */
  async run<T>(bucket: string, work: () => Promise<T> | undefined): Promise<T | undefined> {
    if (!(await this.enter(bucket))) return undefined;
    let result: T | undefined;
    try {
      result = await work();
    } catch (error) {
      this.leave(bucket, error);
      throw error;
    }
    this.leave(bucket);
    return result;
  }

  /** Nobody enters any more, and those who wait are sent away; who has a lane keeps it until `leave`. */
  close(): void {
    this.#isClosed = true;
    this.#lanes.dismiss(this);
  }

  /** Closes once this signal is aborted. */
  closeOn(signal: AbortSignal): void {
    if (signal.aborted) this.close();
    else {
      signal.addEventListener('abort', () => {
        this.close();
      });
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
