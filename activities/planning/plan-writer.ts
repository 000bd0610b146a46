import { CHUNK_FILES } from '../../contract/limits.ts';
import type { JobChunkStore, PlannedFile } from '../../storage/job-chunks.ts';
import { toControlFailure } from '../failures.ts';
import type { Lease } from '../locks/lease.ts';
import { TaskWindow } from './task-window.ts';

/** Chunks on their way to storage. More would only be held in memory: copying them takes longer than writing them. */
const WRITES_IN_FLIGHT = 4;

/**
 * Writes the plan of a job in chunks of 1,000 files, in the order in which they come. An attempt whose lease is over
 * writes and deletes nothing: the plan may be a later one's.
 */
export class PlanWriter implements AsyncDisposable {
  readonly #chunks: JobChunkStore;
  readonly #correlationId: string;
  readonly #check: () => void;
  readonly #writes = new TaskWindow(WRITES_IN_FLIGHT);
  #begun: PlannedFile[] = [];
  #files = 0;
  #written = 0;

  constructor(chunks: JobChunkStore, correlationId: string, lease: Lease) {
    this.#check = () => {
      lease.check();
    };
    this.#chunks = chunks;
    this.#correlationId = correlationId;
  }

  /** Files so far: the index of the next one. */
  get files(): number {
    return this.#files;
  }

  /** Adds a file; true: a chunk is full, which `flush` is to write. */
  add(file: Omit<PlannedFile, 'index'>): boolean {
    this.#begun.push({ ...file, index: this.#files });
    this.#files += 1;
    return this.#begun.length === CHUNK_FILES;
  }

  /** Starts writing what has been added since. Throws a retryable failure where storage fails. */
  async flush(): Promise<void> {
    const files = this.#begun;
    if (files.length === 0) return;
    this.#begun = [];
    const chunk = this.#written;
    this.#written += 1;
    await this.#writes.start(async () => {
      try {
        await this.#chunks.writePlan(this.#correlationId, chunk, files, { check: this.#check });
      } catch (error) {
        throw toControlFailure(error);
      }
    });
  }

  /** Writes the rest, waits for all of it, and deletes what an earlier, longer plan has left. Gives the chunks' number. */
  async finish(): Promise<number> {
    await this.flush();
    await this.#writes.settle();
    return await this.#trim(this.#written);
  }

  /** Deletes the plan: the job is refused. */
  async discard(): Promise<void> {
    await this.#writes.settle();
    await this.#trim(0);
  }

  async #trim(from: number): Promise<number> {
    try {
      await this.#chunks.trimPlan(this.#correlationId, from, this.#check);
    } catch (error) {
      throw toControlFailure(error);
    }
    return from;
  }

  /** Waits for the writes under way: the next attempt is not to meet them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writes[Symbol.asyncDispose]();
  }
}
