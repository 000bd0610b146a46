import { randomUUID } from 'node:crypto';
import { StorageError } from './errors.ts';
import { inputName } from './job-paths.ts';
import { NDJSON } from './ndjson.ts';
import type { ObjectStream } from './object-stream.ts';
import type { ObjectUpload } from './object-upload.ts';
import type { ObjectRef, ObjectStore } from './objects.ts';

/** Where a stored input is, and as what. */
export interface StoredInput {
  object: string;
  generation: string;
}

/**
 * The lists that are too long to travel in messages: `jobs/{correlationId}/input/{uuid}.ndjson` in the control bucket, an
 * entry a line. Each request makes one of its own, so that none can touch another one's.
 */
export class JobInputStore {
  readonly #objects: ObjectStore;
  readonly #bucket: string;

  constructor(objects: ObjectStore, controlBucket: string) {
    this.#objects = objects;
    this.#bucket = controlBucket;
  }

  /** Begins an input of this job. */
  create(correlationId: string): JobInput {
    const ref = { bucket: this.#bucket, name: inputName(correlationId, randomUUID()) };
    return new JobInput(this.#objects, ref);
  }

  /** An input as it streams; undefined: it is not there. Throws StorageError. */
  async open({ object, generation }: StoredInput): Promise<ObjectStream | undefined> {
    return await this.#objects.readStream({ bucket: this.#bucket, name: object }, generation);
  }

  /** Deletes an input that no job will read. Gone already is fine. Throws StorageError. */
  async remove({ object, generation }: StoredInput): Promise<void> {
    await this.#objects.remove({ bucket: this.#bucket, name: object }, generation);
  }
}

/** An input that is being written. It has to be closed or aborted. */
export class JobInput {
  readonly #objects: ObjectStore;
  readonly #ref: ObjectRef;
  readonly #upload: ObjectUpload;
  #bytes = 0;
  #isEnded = false;

  constructor(objects: ObjectStore, ref: ObjectRef) {
    this.#objects = objects;
    this.#ref = ref;
    this.#upload = objects.create(ref, NDJSON);
  }

  /** Adds lines. Resolves once there is room for more. Throws StorageError. */
  async write(lines: string): Promise<void> {
    this.#bytes += Buffer.byteLength(lines);
    await this.#upload.write(lines);
  }

  /** Ends the input, which is there from then on. Throws StorageError. */
  async close(): Promise<StoredInput> {
    this.#isEnded = true;
    const { name, generation, size } = await this.#upload.close();
    if (size !== this.#bytes) {
      throw new StorageError('unavailable', `of an input of ${this.#bytes} bytes, storage has ${size}`);
    }
    return { object: name, generation };
  }

  /** Sees that nothing is left of the input, as far as storage answers. Never throws. */
  async abort(): Promise<void> {
    await this.#upload.abort();
    // It may be there although its end was not answered; what cannot be deleted now is swept later.
    if (this.#isEnded) await this.#objects.remove(this.#ref).catch(() => false);
  }
}
