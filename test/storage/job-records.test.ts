import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { requestedFile } from '../../contract/file-records.ts';
import type { FileEntry, FileRecord } from '../../contract/messages.ts';
import { emptyCounts } from '../../contract/states.ts';
import type { JobRecord, JobRecordStore } from '../../storage/job-records.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, resetAfter } from '../support/storage-proxy/index.ts';
import { failsAs, storageError } from './assertions.ts';

const entry = (fileName: string): FileEntry => ({
  ...{ sourceCollectionId: 'a', destinationCollectionId: 'b' },
  ...{ fileName, destinationFileName: fileName },
});

function newRecord(changes: Partial<JobRecord> = {}): JobRecord {
  const correlationId = changes.correlationId ?? randomUUID();
  return {
    correlationId,
    chain: { namespace: 'default', firstRunId: randomUUID() },
    ...{ caller: 'ann', digest: 'd1', receivedAt: 1, taskQueue: 'apollo-copy', options: { overwrite: 'always' } },
    ...{ collections: [], entries: null, bulk: null, admission: null },
    status: {
      ...{ correlationId, state: 'Requested', counts: emptyCounts(2) },
      ...{ startedAt: 1, endedAt: null, message: '' },
    },
    ...changes,
  };
}

describe('job record store', () => {
  let storage: TestStorage;
  let records: JobRecordStore;

  before(async () => {
    storage = await makeTestStorage();
    ({ records } = storage.connect());
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  describe('a record', () => {
    it('is made once, by one of ten', async () => {
      const correlationId = randomUUID();
      const all = Array.from({ length: 10 }, () => newRecord({ correlationId }));
      const made = await Promise.all(all.map((record) => records.create(record)));
      const [generation, ...others] = made.filter((one) => one !== undefined);
      assert.deepEqual(others, []);
      const record = all[made.indexOf(generation)];
      assert.deepEqual(await records.read(correlationId), { record, generation });
    });

    it('that is there stays as it is', async () => {
      const record = newRecord();
      const generation = await records.create(record);
      assert.equal(await records.create({ ...record, caller: 'eve' }), undefined);
      assert.deepEqual(await records.read(record.correlationId), { record, generation });
    });

    it('is replaced at the generation it was read at, and at no other', async () => {
      const record = newRecord();
      await records.create(record);
      const stored = await records.read(record.correlationId);
      assert.ok(stored !== undefined);
      const accepted: JobRecord = { ...record, admission: { decision: 'accepted' } };
      const replaced = await records.replace({ ...stored, record: accepted });
      assert.equal(await records.replace({ ...stored, record }), undefined);
      assert.deepEqual(await records.read(record.correlationId), { record: accepted, generation: replaced });
    });

    it('is replaced by one of ten who read it', async () => {
      const record = newRecord();
      await records.create(record);
      const stored = await records.read(record.correlationId);
      assert.ok(stored !== undefined);
      const all = Array.from({ length: 10 }, () => records.replace(stored));
      assert.equal((await Promise.all(all)).filter((generation) => generation !== undefined).length, 1);
    });

    it('of an unknown job is none', async () => {
      assert.equal(await records.read(randomUUID()), undefined);
    });

    it('that was written before there were bulk jobs is one of a list', async () => {
      const { collections: _, entries: __, bulk: ___, ...former } = newRecord();
      const name = `jobs/${former.correlationId}/job.json`;
      await storage.emulator.putObject(storage.controlBucket, name, JSON.stringify(former));
      const read = await records.read(former.correlationId);
      assert.deepEqual(read?.record, { ...former, collections: [], entries: null, bulk: null });
    });

    it('that is no JSON is a failure, not none', async () => {
      const id = randomUUID();
      await storage.emulator.putObject(storage.controlBucket, `jobs/${id}/job.json`, '{');
      await failsAs(records.read(id), 'malformed');
    });

    it('that is JSON, but no record of this job, is a failure too', async () => {
      const id = randomUUID();
      for (const content of [null, {}, [], 'x', newRecord(), { ...newRecord(), correlationId: id, status: null }]) {
        await storage.emulator.putObject(storage.controlBucket, `jobs/${id}/job.json`, JSON.stringify(content));
        await failsAs(records.read(id), 'malformed');
      }
    });

    it('fails where storage does', async () => {
      const record = newRecord();
      storage.proxy.inject({ bucket: storage.controlBucket }, answerError(503));
      await failsAs(records.create(record), 'unavailable');
      await failsAs(records.read(record.correlationId), 'unavailable');
      await failsAs(records.replace({ record, generation: '1' }), 'unavailable');
    });
  });

  describe('results', () => {
    const file = (index: number): FileRecord => requestedFile(entry(`file ${index}\n"ü"`), index, 1);
    const readAll = (id: string) => Array.fromAsync(records.readResults(id));

    it('come back in the order of their batches', async () => {
      const id = randomUUID();
      for (const batch of [2, 0, 10, 1]) await records.appendResults(id, batch, [file(batch * 2), file(batch * 2 + 1)]);
      assert.deepEqual(await readAll(id), [0, 1, 2, 3, 4, 5, 20, 21].map(file));
    });

    it('are counted once where a batch is written again after a lost answer', async () => {
      const id = randomUUID();
      storage.proxy.inject({ operation: 'upload', name: new RegExp(`^jobs/${id}/results/000000-`) }, resetAfter(), {
        times: 1,
      });
      await failsAs(records.appendResults(id, 0, [file(0)]), 'unavailable');
      await records.appendResults(id, 0, [file(0)]);
      assert.deepEqual(await readAll(id), [file(0)]);
    });

    it('keep two batches of one number where they differ: an attempt that came later knew of more', async () => {
      const id = randomUUID();
      await records.appendResults(id, 0, [file(0)]);
      await records.appendResults(id, 0, [file(0), file(1)]);
      await records.appendResults(id, 1, [file(2)]);
      assert.deepEqual([...(await records.readFinal(id)).keys()], [0, 1, 2]);
    });

    it('of one job are not those of another, and none where there is none', async () => {
      const id = randomUUID();
      await records.appendResults(id, 0, [file(0)]);
      assert.deepEqual(await readAll(randomUUID()), []);
    });

    it('that somebody has damaged are a failure that names the object', async () => {
      const id = randomUUID();
      const name = `jobs/${id}/results/000000.ndjson`;
      await storage.emulator.putObject(storage.controlBucket, name, `${JSON.stringify(file(0))}\n{"ind`);
      const { kind, message } = await storageError(readAll(id));
      assert.equal(kind, 'malformed');
      assert.ok(message.startsWith(name), message);
    });

    it('may be empty, and may be long', async () => {
      const id = randomUUID();
      await records.appendResults(id, 0, []);
      const many = Array.from({ length: 1_000 }, (_, index) => file(index));
      await records.appendResults(id, 1, many);
      assert.deepEqual(await readAll(id), many);
    });
  });
});
