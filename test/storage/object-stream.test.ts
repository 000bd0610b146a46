import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ObjectRef, ObjectStore } from '../../storage/objects.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, breakAnswer, meanwhile, resetBefore, stallAnswer } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

/** More than the buffers on the way hold. */
const LENGTH = 3 * 1024 * 1024;

describe('streamed reading of an object', () => {
  let storage: TestStorage;
  let objects: ObjectStore;
  let ref: ObjectRef;
  let content: Buffer;

  before(async () => {
    storage = await makeTestStorage();
    ({ objects } = storage.connect());
  });

  beforeEach(async () => {
    ref = { bucket: storage.sourceBucket, name: randomUUID() };
    content = randomBytes(LENGTH);
    await storage.emulator.putObject(ref.bucket, ref.name, content);
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  async function read(store = objects): Promise<Buffer> {
    const stream = await store.readStream(ref);
    assert.ok(stream !== undefined);
    return Buffer.concat(await Array.fromAsync(stream.bytes));
  }

  const reads = () => storage.proxy.requests({ operation: 'read', name: ref.name });

  it('gives all bytes, in pieces, and the generation they are of', async () => {
    const stream = await objects.readStream(ref);
    assert.ok(stream !== undefined);
    const pieces = await Array.fromAsync(stream.bytes);
    assert.ok(Buffer.concat(pieces).equals(content));
    assert.ok(pieces.every(({ length }) => length <= LENGTH / 4));
    const state = await storage.emulator.statObject(ref.bucket, ref.name);
    assert.equal(stream.generation, state?.generation);
  });

  it('gives nothing for an empty object', async () => {
    await storage.emulator.putObject(ref.bucket, ref.name, '');
    assert.equal((await read()).length, 0);
  });

  it('finds nothing where there is no object, no such generation or no bucket', async () => {
    assert.equal(await objects.readStream({ ...ref, name: 'none' }), undefined);
    assert.equal(await objects.readStream(ref, '1'), undefined);
    assert.equal(await objects.readStream({ ...ref, bucket: 'no-such-bucket' }), undefined);
  });

  it('gives what is compressed as it is stored', async () => {
    await storage.emulator.putObject(ref.bucket, ref.name, gzipSync(content));
    assert.ok(gunzipSync(await read()).equals(content));
  });

  it('goes on where the connection broke, as often as that takes', async () => {
    const broken = storage.proxy.inject({ operation: 'read', name: ref.name }, breakAnswer(), { times: 3 });
    assert.ok((await read()).equals(content));
    assert.equal(broken.hits, 3);
    assert.equal(reads().length, 4);
  });

  it('asks for the rest at the generation it began with', async () => {
    storage.proxy.inject({ operation: 'read', name: ref.name }, breakAnswer(), { times: 1 });
    await read();
    const { generation } = (await storage.emulator.statObject(ref.bucket, ref.name)) ?? {};
    assert.deepEqual(
      reads().map(({ query }) => query['generation']),
      [undefined, generation],
    );
  });

  it('fails in passing where the object is replaced before the rest is read', async () => {
    const replace = () => storage.emulator.putObject(ref.bucket, ref.name, 'another');
    storage.proxy.inject({ operation: 'read', name: ref.name }, breakAnswer(), { times: 1 });
    const isRest = ({ name, query }: { name: string; query: Readonly<Record<string, string>> }) =>
      name === ref.name && query['generation'] !== undefined;
    storage.proxy.inject(isRest, meanwhile(replace), { times: 1 });
    await failsAs(read(), 'unavailable');
  });

  it('fails in passing where no more bytes come', async () => {
    // The first answer has to begin in that time.
    const impatient = storage.connect({ timeoutMs: 1_500 }).objects;
    storage.proxy.inject({ operation: 'read', name: ref.name }, stallAnswer(), { times: 1 });
    const stalled = await impatient.readStream(ref);
    assert.ok(stalled !== undefined);
    storage.proxy.inject({ operation: 'read', name: ref.name }, resetBefore());
    await failsAs(Array.fromAsync(stalled.bytes), 'unavailable');
  });

  it('fails in passing where an answer brings nothing at all', async () => {
    storage.proxy.inject({ operation: 'read', name: ref.name }, resetBefore());
    await failsAs(read(), 'unavailable');
    assert.equal(reads().length, 1);
  });

  it('fails where storage refuses', async () => {
    storage.proxy.inject({ operation: 'read', name: ref.name }, answerError(403, { reason: 'forbidden' }));
    await failsAs(read(), 'forbidden');
  });

  it('repeats the first request where the module repeats requests', async () => {
    storage.proxy.inject({ operation: 'read', name: ref.name }, answerError(503), { times: 1 });
    assert.ok((await read(storage.connect({ autoRetry: true }).objects)).equals(content));
  });

  it('may be left early: the connection is let go', async () => {
    const stream = await objects.readStream(ref);
    assert.ok(stream !== undefined);
    for await (const bytes of stream.bytes) {
      assert.ok(bytes.length > 0);
      break;
    }
    assert.ok((await read()).equals(content));
  });
});
