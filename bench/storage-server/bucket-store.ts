import { SortedObjects, type StoredObject } from './sorted-objects.ts';

/** Conditions of a request, as its query says them; generations are decimal texts. */
export type Conditions = Readonly<Record<string, string | undefined>>;

/** A request that storage refuses. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface Bucket {
  readonly objects: SortedObjects;
  /** When an object was last written or deleted, in milliseconds since the epoch; 0: never. */
  lastWriteAt: number;
}

function conditionNotMet(): Refusal {
  return new Refusal(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
}

function notFound(what: string): Refusal {
  return new Refusal(404, 'notFound', `No such object: ${what}`);
}

/** Throws Refusal where a condition on the state of an object does not hold; `0` stands for no object. */
function check(generation: number, match: string | undefined, notMatch: string | undefined): void {
  if (match !== undefined && Number(match) !== generation) throw conditionNotMet();
  if (notMatch !== undefined && Number(notMatch) === generation) throw conditionNotMet();
}

/**
 * Buckets and what Cloud Storage guarantees of them: each operation is one step, checks its preconditions in that step,
 * and gives every write a generation of its own. Bucket names and object names are byte texts. Throws Refusal.
 */
export class BucketStore {
  readonly #buckets = new Map<string, Bucket>();
  #generation = 0;

  /** Makes a bucket; false: it was there. */
  makeBucket(name: string): boolean {
    if (this.#buckets.has(name)) return false;
    this.#buckets.set(name, { objects: new SortedObjects(), lastWriteAt: 0 });
    return true;
  }

  /** Takes all objects out of a bucket at once, and makes the bucket where there is none. */
  empty(name: string): void {
    this.#buckets.delete(name);
    this.makeBucket(name);
  }

  bucketNames(): string[] {
    return [...this.#buckets.keys()];
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new Refusal(404, 'notFound', 'The specified bucket does not exist.');
    return bucket;
  }

  get(bucket: string, name: string, { generation, ...conditions }: Conditions): StoredObject {
    const object = this.#find(bucket, name, generation);
    const { ifGenerationMatch, ifGenerationNotMatch } = conditions;
    if (ifGenerationMatch !== undefined) check(object.generation, ifGenerationMatch, undefined);
    if (ifGenerationNotMatch !== undefined && Number(ifGenerationNotMatch) === object.generation) {
      throw new Refusal(304, 'notModified', '');
    }
    return object;
  }

  insert(
    bucket: string,
    name: string,
    content: Omit<StoredObject, 'generation'>,
    conditions: Conditions,
  ): StoredObject {
    return this.#write(bucket, name, content, conditions);
  }

  delete(bucket: string, name: string, { generation, ...conditions }: Conditions): void {
    const object = this.#find(bucket, name, generation);
    check(object.generation, conditions['ifGenerationMatch'], conditions['ifGenerationNotMatch']);
    const { objects } = this.#touch(bucket);
    objects.delete(name);
  }

  /** Copies an object as it is; the source is left alone. */
  rewrite(
    from: { bucket: string; name: string },
    to: { bucket: string; name: string },
    query: Conditions,
  ): StoredObject {
    const source = this.#find(from.bucket, from.name, query['sourceGeneration']);
    check(source.generation, query['ifSourceGenerationMatch'], query['ifSourceGenerationNotMatch']);
    return this.#write(to.bucket, to.name, source, query);
  }

  #find(bucket: string, name: string, generation: string | undefined): StoredObject {
    const object = this.bucket(bucket).objects.get(name);
    if (object === undefined) throw notFound(`${bucket}/${name}`);
    // Without object versioning, only the live generation is there.
    if (generation !== undefined && Number(generation) !== object.generation) {
      throw notFound(`${bucket}/${name}#${generation}`);
    }
    return object;
  }

  #write(
    bucket: string,
    name: string,
    content: Omit<StoredObject, 'generation'>,
    conditions: Conditions,
  ): StoredObject {
    const { objects } = this.bucket(bucket);
    const { ifGenerationMatch, ifGenerationNotMatch } = conditions;
    if (ifGenerationMatch !== undefined || ifGenerationNotMatch !== undefined) {
      check(objects.get(name)?.generation ?? 0, ifGenerationMatch, ifGenerationNotMatch);
    }
    const { lastWriteAt } = this.#touch(bucket);
    this.#generation = Math.max(this.#generation + 1, lastWriteAt * 1_000);
    const { size, crc32c, details } = content;
    const object = { generation: this.#generation, size, crc32c, details };
    objects.set(name, object);
    return object;
  }

  #touch(name: string): Bucket {
    const bucket = this.bucket(name);
    bucket.lastWriteAt = Date.now();
    return bucket;
  }
}
