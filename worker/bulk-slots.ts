import type { ActivitySlotInfo, CustomSlotSupplier, WorkerTuner } from '@temporalio/worker';
import type { Lanes } from '../storage/pacing/lanes.ts';

/**
 * Activities of bulk jobs that a worker has in hand in any case: one writes, the next one has its files ready, and one is
 * begun or ended. Each one in hand holds a thousand files.
 */
const IN_HAND = 3;

/** No more than these, however slow all of them are: jobs with a low rate, say, of which each leaves lanes free. */
const MOST_IN_HAND = 50;

/** Between two looks whether lanes are free, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** Leave to ask Temporal for an activity, and to have it in hand. */
interface Permit {
  isUsed: boolean;
}

/**
 * How many activities of bulk jobs a worker takes: a few, and one more whenever a lane is free that nothing in hand
 * makes use of.
 */
export class BulkSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #lanes: Pick<Lanes, 'isIdle'>;
  readonly #permits = new Set<Permit>();
  readonly #waiting = new Set<() => void>();

  constructor(lanes: Pick<Lanes, 'isIdle'>) {
    this.#lanes = lanes;
  }

  async reserveSlot(_context: unknown, signal: AbortSignal): Promise<Permit> {
    for (;;) {
      const permit = this.tryReserveSlot();
      if (permit !== null) return permit;
      await this.#change(signal);
      signal.throwIfAborted();
    }
  }

  /** Waits until it is worth to look again: an activity has ended, or some time is over. */
  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => {
      resolve(undefined);
    };
    const timer = setTimeout(wake, LOOK_EVERY_MS);
    signal.addEventListener('abort', wake);
    this.#waiting.add(wake);
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }

  tryReserveSlot(): Permit | null {
    if (!this.#mayTakeMore()) return null;
    const permit = { isUsed: false };
    this.#permits.add(permit);
    return permit;
  }

  markSlotUsed({ permit }: { permit: object }): void {
    (permit as Permit).isUsed = true;
  }

  releaseSlot({ permit }: { permit: object }): void {
    this.#permits.delete(permit as Permit);
    for (const wake of this.#waiting) wake();
  }

  #mayTakeMore(): boolean {
    const { size: inHand } = this.#permits;
    if (inHand < IN_HAND) return true;
    if (inHand >= MOST_IN_HAND || !this.#lanes.isIdle) return false;
    // One that is asked for, and may be on its way, is waited for before the next one.
    for (const { isUsed } of this.#permits) if (!isUsed) return false;
    return true;
  }
}

/** Has a worker's activities taken by these slots; it runs nothing else. */
export function takingBy(activities: BulkSlots): WorkerTuner {
  const none = { type: 'fixed-size', numSlots: 1 } as const;
  return {
    activityTaskSlotSupplier: activities,
    workflowTaskSlotSupplier: none,
    localActivityTaskSlotSupplier: none,
    nexusTaskSlotSupplier: none,
  };
}
