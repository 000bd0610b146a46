/** Work that goes on beside its caller, a bounded amount at a time. Nothing of it goes on once the window is left. */
export class TaskWindow implements AsyncDisposable {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts work as soon as there is room. Throws what earlier work failed with, and starts nothing then. */
  async start(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    this.#throwFailure();
    const task: Promise<void> = this.#run(work).then(() => {
      this.#running.delete(task);
    });
    this.#running.add(task);
  }

  /** Waits for all that was started. Throws what it failed with. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failures.push(error);
    }
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
  }
}
