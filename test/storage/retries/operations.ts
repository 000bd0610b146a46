import assert from 'node:assert/strict';
import type { StorageModule } from '../../../storage/index.ts';
import type { ObjectRef } from '../../../storage/objects.ts';
import type { TestStorage } from '../../support/emulator.ts';

/**
 * How an operation is repeated, after Google's retry strategy (cloud.google.com/storage/docs/retry-strategy#idempotency).
 * - `always`: it changes nothing
 * - `guarded`: it names the generation that it changes, so that it cannot happen twice
 * - `unguarded`: it could happen twice, and is not repeated
 * - `single`: its caller repeats it, who knows more
 * - `resumed`: as `always`, and a body that breaks off is asked for from where it broke
 */
export type Idempotency = 'always' | 'guarded' | 'unguarded' | 'single' | 'resumed';

/** What an operation works on: objects of its own, made for one scenario. */
export interface Subject {
  ref: ObjectRef;
  /** Generation of the object that is there; "0": there is none. */
  generation: string;
  source: ObjectRef & { generation: string };
}

export interface StorageOperation {
  title: string;
  /** How the proxy calls its request. */
  request: 'stat' | 'read' | 'list' | 'upload' | 'delete' | 'rewrite';
  precondition: 'none' | 'there is none' | 'a generation';
  idempotency: Idempotency;
  /** Whether the object is there before. */
  exists: boolean;
  /** Gives what the caller is told; undefined or false: that there was nothing. */
  run: (storage: StorageModule, subject: Subject) => Promise<unknown>;
}

/** Content of the objects: long enough to break off in. */
export const CONTENT = JSON.stringify({ content: 'x'.repeat(50) });

const reading = { precondition: 'none', idempotency: 'always', exists: true } as const;

/** Every request to storage that the service makes. */
export const OPERATIONS: readonly StorageOperation[] = [
  { title: 'stat', request: 'stat', ...reading, run: ({ objects }, { ref }) => objects.stat(ref) },
  { title: 'read of JSON', request: 'read', ...reading, run: ({ objects }, { ref }) => objects.readJson(ref) },
  { title: 'read of a text', request: 'read', ...reading, run: ({ objects }, { ref }) => objects.readText(ref) },
  {
    ...{ title: 'streamed read', request: 'read', ...reading, idempotency: 'resumed' },
    async run({ objects }, { ref }) {
      const stream = await objects.readStream(ref);
      assert.ok(stream !== undefined);
      const content = Buffer.concat(await Array.fromAsync(stream.bytes)).toString();
      assert.equal(content, CONTENT);
      return content;
    },
  },
  {
    ...{ title: 'list', request: 'list', ...reading },
    run: ({ objects }, { ref }) => Array.fromAsync(objects.list({ bucket: ref.bucket, prefix: ref.name })),
  },
  {
    ...{ title: 'page of a list', request: 'list', ...reading },
    run: ({ objects }, { ref }) => objects.listPage({ bucket: ref.bucket, prefix: ref.name }),
  },
  {
    ...{ title: 'upload', request: 'upload', precondition: 'none', idempotency: 'unguarded', exists: false },
    run: ({ objects }, { ref }) => objects.write(ref, CONTENT),
  },
  {
    ...{ title: 'upload', request: 'upload', precondition: 'there is none', idempotency: 'guarded', exists: false },
    run: ({ objects }, { ref }) => objects.write(ref, CONTENT, { ifGenerationMatch: '0' }),
  },
  {
    ...{ title: 'upload', request: 'upload', precondition: 'a generation', idempotency: 'guarded', exists: true },
    run: ({ objects }, { ref, generation }) => objects.write(ref, CONTENT, { ifGenerationMatch: generation }),
  },
  {
    ...{ title: 'streamed upload', request: 'upload', precondition: 'there is none', idempotency: 'single' },
    exists: false,
    async run({ objects }, { ref }) {
      const upload = objects.create(ref, 'application/x-ndjson');
      await upload.write(CONTENT);
      return await upload.close();
    },
  },
  {
    ...{ title: 'delete', request: 'delete', precondition: 'none', idempotency: 'unguarded', exists: true },
    run: ({ objects }, { ref }) => objects.remove(ref),
  },
  {
    ...{ title: 'delete', request: 'delete', precondition: 'a generation', idempotency: 'guarded', exists: true },
    run: ({ objects }, { ref, generation }) => objects.remove(ref, generation),
  },
  ...(
    [
      ['there is none', false],
      ['a generation', true],
    ] as const
  ).map(([precondition, exists]): StorageOperation => ({
    ...{ title: 'rewrite', request: 'rewrite', precondition, idempotency: 'single', exists },
    run: ({ transport }, { ref, generation, source }) =>
      transport.rewrite({ source, destination: ref, ifGenerationMatch: generation }),
  })),
];

/** Makes the objects of one scenario, past the proxy. */
export async function makeSubject(storage: TestStorage, name: string, { exists }: StorageOperation): Promise<Subject> {
  const { emulator, sourceBucket, destinationBucket: bucket } = storage;
  const put = async (into: string) => {
    await emulator.putObject(into, name, CONTENT);
    return (await emulator.statObject(into, name))?.generation ?? '';
  };
  const source = { bucket: sourceBucket, name, generation: await put(sourceBucket) };
  return { ref: { bucket, name }, generation: exists ? await put(bucket) : '0', source };
}
