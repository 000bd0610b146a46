import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createStorage } from '../../storage/index.ts';
import type { JobInputStore } from '../../storage/job-inputs.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { alterJson, answerError, resetAfter, resetBefore } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

const LINE = `${JSON.stringify({ fileName: 'grün 🟩' })}\n`;

describe('inputs of jobs', () => {
  let storage: TestStorage;
  let inputs: JobInputStore;
  let correlationId: string;

  before(async () => {
    storage = await makeTestStorage();
    ({ inputs } = storage.connect());
  });

  beforeEach(() => {
    correlationId = randomUUID();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const list = async () => {
    const range = { bucket: storage.controlBucket, prefix: `jobs/${correlationId}/` };
    return await Array.fromAsync(storage.connect().objects.list(range));
  };

  it('are written as they come, in one request, and are there once they are closed', async () => {
    const input = inputs.create(correlationId);
    const lines = LINE.repeat(10_000);
    for (let part = 0; part < 10; part += 1) await input.write(lines);
    assert.deepEqual(await list(), []);
    const { object, generation } = await input.close();
    assert.match(object, new RegExp(`^jobs/${correlationId}/input/[0-9a-f-]{36}\\.ndjson$`));
    const [info] = await list();
    assert.deepEqual([info?.name, info?.generation], [object, generation]);
    const stream = await inputs.open({ object, generation });
    assert.ok(stream !== undefined);
    assert.ok(Buffer.concat(await Array.fromAsync(stream.bytes)).toString() === lines.repeat(10));
    const written = storage.proxy.requests({ operation: 'upload', name: object });
    assert.deepEqual(
      written.map(({ query }) => query['ifGenerationMatch']),
      ['0'],
    );
  });

  it('are each an object of their own, for the same job as well', async () => {
    const [one, other] = [inputs.create(correlationId), inputs.create(correlationId)];
    assert.notEqual((await one.close()).object, (await other.close()).object);
    assert.equal((await list()).length, 2);
  });

  it('leave nothing where they are aborted, before their end or after', async () => {
    const halfway = inputs.create(correlationId);
    await halfway.write(LINE);
    await halfway.abort();
    const ended = inputs.create(correlationId);
    await ended.write(LINE);
    await ended.close();
    await ended.abort();
    assert.deepEqual(await list(), []);
  });

  it('are deleted at their generation, once or more often', async () => {
    const stored = await inputs.create(correlationId).close();
    await inputs.remove({ ...stored, generation: '1' });
    assert.equal((await list()).length, 1);
    await inputs.remove(stored);
    await inputs.remove(stored);
    assert.deepEqual(await list(), []);
  });

  const faults = [
    ['refuses', answerError(503), 'unavailable'],
    ['breaks the connection', resetBefore(), 'unavailable'],
    ['has it and does not say so', resetAfter(), 'unavailable'],
    ['has another object there', answerError(412), 'preconditionFailed'],
    ['has less than was sent', alterJson((resource) => ({ ...resource, size: '3' })), 'unavailable'],
  ] as const;
  for (const [what, fault, kind] of faults) {
    it(`fail where storage ${what}, and leave nothing`, async () => {
      storage.proxy.inject({ operation: 'upload' }, fault);
      const input = inputs.create(correlationId);
      await input.write(LINE);
      await failsAs(input.close(), kind);
      await input.abort();
      assert.deepEqual(await list(), []);
    });
  }

  it('fail where storage is not there', async () => {
    const nowhere = createStorage({ ...storage.config, emulatorHost: 'http://127.0.0.1:9' }, { autoRetry: false });
    const input = nowhere.inputs.create(correlationId);
    await failsAs(
      (async () => {
        for (;;) await input.write(LINE.repeat(10_000));
      })(),
      'unavailable',
    );
    await input.abort();
  });
});

describe('inputs of jobs, on a storage that takes its time', () => {
  async function withStorage(
    serve: (request: IncomingMessage) => void,
    use: (inputs: JobInputStore) => Promise<void>,
    { timeoutMs = 200 } = {},
  ) {
    const server = createServer(serve).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const emulatorHost = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = { controlBucket: 'control', projectId: 'test', emulatorHost };
    await use(createStorage(config, { autoRetry: false, timeoutMs }).inputs);
    server.closeAllConnections();
    server.close();
  }

  it('make their writer wait, and fail once storage takes nothing more for the time-out', async () => {
    let taken = 0;
    await withStorage(
      (request) => {
        request.pause();
      },
      async (inputs) => {
        const input = inputs.create(randomUUID());
        const lines = LINE.repeat(10_000);
        await failsAs(
          (async () => {
            for (; taken < 1_000; taken += 1) await input.write(lines);
          })(),
          'unavailable',
        );
        await input.abort();
      },
    );
    assert.ok(taken < 100, `${taken} of 1,000 parts were taken`);
  });

  it('fail where the end is not answered', async () => {
    await withStorage(
      (request) => {
        request.resume();
      },
      async (inputs) => {
        const input = inputs.create(randomUUID());
        await input.write(LINE);
        await failsAs(input.close(), 'unavailable');
        await input.abort();
      },
    );
  });

  it('do not fail because their writer takes longer than the time-out', async () => {
    const arrived = Promise.withResolvers<undefined>();
    await withStorage(
      (request) => {
        request.once('data', () => {
          arrived.resolve(undefined);
        });
      },
      async (inputs) => {
        const input = inputs.create(randomUUID());
        await input.write(LINE);
        await arrived.promise;
        // What is shown here is that nothing happens in that time: the HTTP client tells time-outs up to 0.5 s late.
        await delay(1_600);
        await input.write(LINE);
        await input.abort();
      },
      // The connection has to be made in that time.
      { timeoutMs: 1_000 },
    );
  });
});
