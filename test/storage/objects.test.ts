import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ObjectRef, ObjectStore } from '../../storage/objects.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, holdBefore, resetAfter, resetBefore } from '../support/storage-proxy/index.ts';
import { assertError, failsAs, storageError } from './assertions.ts';
import { ERROR_CASES } from './error-cases.ts';
import { describeObjectStore } from './object-store-contract.ts';

describeObjectStore('object store on the strict proxy', { on: 'proxy' });
describeObjectStore('object store on the plain emulator', { on: 'emulator' });

describe('object store', () => {
  let storage: TestStorage;
  let objects: ObjectStore;
  let ref: ObjectRef;

  before(async () => {
    storage = await makeTestStorage();
    ({ objects } = storage.connect());
  });

  beforeEach(() => {
    ref = { bucket: storage.sourceBucket, name: randomUUID() };
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  describe('classifies, whatever was asked,', () => {
    const operations: Record<string, (store: ObjectStore) => Promise<unknown>> = {
      stat: (store) => store.stat(ref),
      readJson: (store) => store.readJson(ref),
      readText: (store) => store.readText(ref),
      write: (store) => store.write(ref, '{"written": true}'),
      remove: (store) => store.remove(ref),
      list: (store) => Array.fromAsync(store.list({ bucket: ref.bucket, prefix: ref.name })),
    };

    for (const errorCase of ERROR_CASES) {
      const { title, kind, fault, showsInJson } = errorCase;
      it(`${title} as ${kind}`, async () => {
        await objects.write(ref, '{"content": "of some length, lest it be cut short unseen"}');
        storage.proxy.inject({ bucket: ref.bucket }, fault);
        for (const [name, operate] of Object.entries(operations)) {
          if (showsInJson === true && ['readJson', 'readText', 'remove'].includes(name)) continue;
          assertError(await storageError(operate(objects)), errorCase);
        }
      });
    }

    it('no answer in time as unavailable', async () => {
      const held = holdBefore();
      storage.proxy.inject({ bucket: ref.bucket }, held);
      const impatient = storage.connect({ timeoutMs: 100 });
      await Promise.all(Object.values(operations).map((operate) => failsAs(operate(impatient.objects), 'unavailable')));
      held.release();
    });

    it('no answer for what a job is decided by sooner', async () => {
      const held = holdBefore();
      storage.proxy.inject({ bucket: storage.controlBucket }, held);
      const { locks, records, collections } = storage.connect({ shortTimeoutMs: 100 });
      await failsAs(locks.read(ref), 'unavailable');
      await failsAs(records.read(randomUUID()), 'unavailable');
      await failsAs(collections.find('a'), 'unavailable');
      held.release();
    });
  });

  describe('where the client may repeat', () => {
    it('gets over what passes: 503, 429 and a reset connection', async () => {
      const { objects: patient } = storage.connect({ autoRetry: true });
      const faults = { '503': answerError(503), '429': answerError(429), reset: resetBefore() };
      const tries = Object.entries(faults).map(async ([title, fault]) => {
        const name = `${ref.name}-${title}`;
        await storage.emulator.putObject(ref.bucket, name, '{}');
        storage.proxy.inject({ name }, fault, { times: 1 });
        assert.notEqual(await patient.stat({ ...ref, name }), undefined);
        assert.equal(storage.proxy.requests({ name }).length, 2);
      });
      await Promise.all(tries);
    });

    it('gives up after three repetitions', async () => {
      const { objects: patient } = storage.connect({ autoRetry: true });
      storage.proxy.inject({ name: ref.name }, answerError(503));
      await failsAs(patient.stat(ref), 'unavailable');
      assert.equal(storage.proxy.requests({ name: ref.name }).length, 4);
    });

    it('does not begin to repeat later than it was told', async () => {
      const { objects: hasty } = storage.connect({ autoRetry: true, repeatWithinMs: 1 });
      storage.proxy.inject({ name: ref.name }, answerError(503), { times: 1 });
      await failsAs(hasty.stat(ref), 'unavailable');
      assert.equal(storage.proxy.requests({ name: ref.name }).length, 1);
    });

    it('leaves to others what is to wait for long', async () => {
      const { objects: patient } = storage.connect({ autoRetry: true });
      storage.proxy.inject({ name: ref.name }, answerError(429, { headers: { 'retry-after': '7' } }));
      assert.equal((await storageError(patient.stat(ref))).retryAfterMs, 7_000);
      assert.equal(storage.proxy.requests({ name: ref.name }).length, 1);
    });

    it('does not repeat what stays as it is', async () => {
      const { objects: patient } = storage.connect({ autoRetry: true });
      storage.proxy.inject({ name: ref.name }, answerError(403, { reason: 'forbidden' }));
      await failsAs(patient.stat(ref), 'forbidden');
      assert.equal(storage.proxy.requests({ name: ref.name }).length, 1);
    });

    it('sees its own write of a lost answer as a precondition that does not hold, never as a second write', async () => {
      const { objects: patient } = storage.connect({ autoRetry: true });
      storage.proxy.inject({ operation: 'upload', name: ref.name }, resetAfter(), { times: 1 });
      await failsAs(patient.write(ref, 'once', { ifGenerationMatch: '0' }), 'preconditionFailed');
      assert.equal(storage.proxy.writes(ref.bucket, ref.name), 1);
    });
  });
});
