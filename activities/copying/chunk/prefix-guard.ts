import type { HeldPrefixLock } from '../../../contract/messages.ts';
import { LOOK_VALID_MS } from '../../../contract/upkeep.ts';
import type { LockStore } from '../../../storage/locks.ts';

/** From this age on a look is repeated meanwhile, so that no write has to wait for one. */
const LOOK_AGAIN_MS = 1_500;

interface Look {
  /** When the last look that found the lock standing was begun, by the monotonic clock. */
  seenAt: number;
  isLost: boolean;
  running: Promise<void> | undefined;
}

/** Sees that a chunk's locks stand, as rarely as is safe: not for each file. */
export class PrefixGuard {
  readonly #locks: LockStore;
  readonly #looks = new Map<HeldPrefixLock, Look>();

  /** `stood`: locks that were seen to stand before, by a look begun then. */
  constructor(locks: LockStore, stood?: { locks: readonly HeldPrefixLock[]; at: number }) {
    this.#locks = locks;
    for (const lock of stood?.locks ?? []) this.#lookOf(lock).seenAt = stood?.at ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * Whether a lock stands, by a look that was begun after `since` and is not older than LOOK_VALID_MS; at once where there
   * is such a look. What was read of a destination before `since` may be written over then. Rejects with StorageError.
   */
  stands(lock: HeldPrefixLock, since: number): boolean | Promise<boolean> {
    const look = this.#lookOf(lock);
    if (look.isLost) return false;
    const now = performance.now();
    const age = now - look.seenAt;
    if (look.seenAt < since || age >= LOOK_VALID_MS)
      return this.#lookUntil(lock, look, Math.max(since, now - LOOK_VALID_MS));
    if (age >= LOOK_AGAIN_MS && look.running === undefined) {
      // One that fails shows when a write has to wait for the next.
      this.#begin(lock, look).catch(() => undefined);
    }
    return true;
  }

  async #lookUntil(lock: HeldPrefixLock, look: Look, since: number): Promise<boolean> {
    while (!look.isLost && look.seenAt < since) await (look.running ?? this.#begin(lock, look));
    return !look.isLost;
  }

  #begin(lock: HeldPrefixLock, look: Look): Promise<void> {
    const begunAt = performance.now();
    const { bucket, prefix, generation } = lock;
    look.running = this.#locks
      .isHeld({ bucket, prefix }, generation)
      .then((isHeld) => {
        look.isLost ||= !isHeld;
        look.seenAt = begunAt;
      })
      .finally(() => {
        look.running = undefined;
      });
    return look.running;
  }

  #lookOf(lock: HeldPrefixLock): Look {
    let look = this.#looks.get(lock);
    if (look === undefined) {
      look = { seenAt: Number.NEGATIVE_INFINITY, isLost: false, running: undefined };
      this.#looks.set(lock, look);
    }
    return look;
  }
}
