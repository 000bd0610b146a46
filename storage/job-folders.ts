import { behindJob, jobFolder, JOBS_FOLDER, recordName } from './job-paths.ts';
import type { ObjectInfo, ObjectRef, ObjectStore } from './objects.ts';

/** Objects of one job that are deleted at a time. */
const DELETES_IN_FLIGHT = 32;

/**
 * The folders `jobs/{correlationId}/` in the control bucket, whatever is in them: for what looks after all jobs rather
 * than one. Every method throws StorageError.
 */
export class JobFolderStore {
  readonly #objects: ObjectStore;
  readonly #bucket: string;

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  /** The correlation ids that have a folder, in their order; behind `after` where one is given. */
  async *list(after?: string): AsyncGenerator<string> {
    const startOffset = after === undefined ? undefined : behindJob(after);
    const range = { bucket: this.#bucket, prefix: JOBS_FOLDER, startOffset };
    for await (const folder of this.#objects.listFolders(range)) yield folder.slice(JOBS_FOLDER.length, -1);
  }

  /** When the youngest object in a folder was made, in milliseconds since the epoch; undefined: there is none. */
  async youngest(correlationId: string): Promise<number | undefined> {
    let youngest: number | undefined;
    for await (const { createdAt } of this.#list(correlationId)) youngest = Math.max(youngest ?? 0, createdAt);
    return youngest;
  }

  /**
   * Deletes all there is of a job, its record last: as long as that is there the correlation id is taken, so that no
   * other job finds leftovers of this one. False: the record has changed since this generation, and is left alone.
   */
  async remove(correlationId: string, recordGeneration?: string): Promise<boolean> {
    const record: ObjectRef = { bucket: this.#bucket, name: recordName(correlationId) };
    let batch: ObjectInfo[] = [];
    const flush = async () => {
      await Promise.all(batch.map((info) => this.#objects.remove(info, info.generation)));
      batch = [];
    };
    for await (const info of this.#list(correlationId)) {
      if (info.name === record.name) continue;
      if (batch.push(info) >= DELETES_IN_FLIGHT) await flush();
    }
    await flush();
    return recordGeneration === undefined || (await this.#objects.remove(record, recordGeneration));
  }

  #list(correlationId: string): AsyncGenerator<ObjectInfo> {
    return this.#objects.list({ bucket: this.#bucket, prefix: jobFolder(correlationId) });
  }
}
