import { CancellationScope, condition } from '@temporalio/workflow';

/**
 * Lets copying go on, holds it or ends it. Holding and ending stop what is in flight alike: an activity that is
 * cancelled sends nothing more, and returns what is true by then.
 */
export class CopyGate {
  #scope = new CancellationScope();
  #isOpen = true;
  #round = 0;
  #listener: () => void = () => undefined;

  /** Stops the copies in flight; no other one starts before `open`. */
  close(): void {
    this.#isOpen = false;
    this.#scope.cancel();
    this.#listener();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#round += 1;
    this.#scope = new CancellationScope();
    this.#listener();
  }

  /** Has somebody called whenever it opens or closes; whoever was called before is not any more. */
  watch(listener: () => void): void {
    this.#listener = listener;
  }

  /** Waits until copying may go on, or `isGivenUp` says that it never will. */
  async passed(isGivenUp: () => boolean): Promise<void> {
    await condition(() => this.#isOpen || isGivenUp());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** How often it was opened again: what begins in one round is stopped together. */
  get round(): number {
    return this.#round;
  }

  /** What a copy that begins now runs in: closing the gate cancels it. */
  get scope(): CancellationScope {
    return this.#scope;
  }
}
