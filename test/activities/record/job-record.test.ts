import assert from 'node:assert/strict';
import { requestedFile } from '../../../contract/file-records.ts';
import type { CopyFilesInput, FileRecord, JobOwner, JobStatus } from '../../../contract/messages.ts';
import { emptyCounts } from '../../../contract/states.ts';
import { answerError, meanwhile, resetAfter } from '../../support/storage-proxy/index.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

const entry = { sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'f', destinationFileName: 'g' };
const INPUT: CopyFilesInput = {
  ...{ requestor: { caller: 'ann', principals: ['ann'] }, digest: 'd1', receivedAt: 1 },
  request: { entries: [entry], options: { overwrite: 'always' } },
};

describe("the job's record", () => {
  let test: ActivityTest;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(async () => {
    owner = newOwner();
    await test.run('claimJob', { owner, taskQueue: 'queue', input: INPUT, collections: [], isPlanned: true });
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const stored = async () => (await test.storage.records.read(owner.correlationId))?.record;
  const status = (): JobStatus => ({
    ...{ correlationId: owner.correlationId, state: 'Completed', counts: emptyCounts(1) },
    ...{ startedAt: 1, endedAt: 2, message: 'done' },
  });
  const close = (by = owner, recordGeneration?: string, end = status()) =>
    test.run('closeRecord', {
      ...{ owner: by, admission: { decision: 'accepted' }, status: end, recordGeneration },
      claim: { taskQueue: 'queue', input: INPUT, collections: [] },
    });
  const jobFile = () => ({ bucket: test.controlBucket, name: `jobs/${owner.correlationId}/job.json` });

  describe('closeRecord', () => {
    it('adds decision and end, drops the files, of which the results tell, and leaves the rest', async () => {
      const before = await stored();
      assert.equal(before?.entries?.length, 1);
      await close();
      const closed = { admission: { decision: 'accepted' }, status: status(), entries: null };
      assert.deepEqual(await stored(), { ...before, ...closed });
    });

    it('takes one request where the record is as the claim left it', async () => {
      const before = await test.storage.records.read(owner.correlationId);
      const requests = test.proxy.requestsFromNow({ bucket: test.controlBucket });
      await close(owner, before?.generation);
      assert.equal(requests().length, 1);
      const closed = { admission: { decision: 'accepted' }, status: status(), entries: null };
      assert.deepEqual(await stored(), { ...before?.record, ...closed });
    });

    it('keeps what has changed since the claim', async () => {
      const claimed = await test.storage.records.read(owner.correlationId);
      assert.ok(claimed !== undefined);
      await test.storage.records.replace({ ...claimed, record: { ...claimed.record, taskQueue: 'new' } });
      await close(owner, claimed.generation);
      assert.equal((await stored())?.taskQueue, 'new');
      assert.deepEqual((await stored())?.status, status());
    });

    it('as a local activity leaves a record alone that another attempt has made anew since; a task closes it', async () => {
      const claimed = await test.storage.records.read(owner.correlationId);
      await test.run('claimJob', { owner, taskQueue: 'queue', input: INPUT, collections: [], isPlanned: true });
      const renewed = await test.storage.records.read(owner.correlationId);
      const task = {
        ...{ owner, admission: { decision: 'accepted' as const }, status: status() },
        ...{ claim: { taskQueue: 'queue', input: INPUT, collections: [] }, recordGeneration: claimed?.generation },
      };
      await failsWith(test.run('closeRecord', task, { isLocal: true }), 'WORKER_LOST', { retryable: true });
      assert.deepEqual(await test.storage.records.read(owner.correlationId), renewed);
      await test.run('closeRecord', task);
      assert.deepEqual((await stored())?.status, status());
    });

    it('is the same again where the answer was lost', async () => {
      test.proxy.inject({ operation: 'upload', ...jobFile() }, resetAfter(), { times: 1 });
      await failsWith(close(), 'STORAGE_UNAVAILABLE', { retryable: true });
      assert.deepEqual(await close(), status());
      assert.deepEqual((await stored())?.status, status());
    });

    it('gives the end that is there, and leaves it, whatever another attempt makes of the job', async () => {
      const claimed = await test.storage.records.read(owner.correlationId);
      assert.equal(await close(owner, claimed?.generation), undefined);
      const another = { ...status(), endedAt: 3, message: 'done later' };
      assert.deepEqual(await close(owner, claimed?.generation, another), status());
      assert.deepEqual((await stored())?.status, status());
    });

    it('refuses the record of another chain or namespace, and leaves it', async () => {
      const before = await stored();
      for (const foreign of [newOwner({ correlationId: owner.correlationId }), { ...owner, namespace: 'another' }]) {
        await failsWith(close(foreign), 'INTERNAL_ERROR', { retryable: false });
      }
      assert.deepEqual(await stored(), before);
    });

    it('makes the record again where it was deleted meanwhile', async () => {
      const before = await stored();
      await test.emulator.deleteObject(test.controlBucket, jobFile().name);
      await close();
      const closed = { admission: { decision: 'accepted' }, status: status(), entries: null };
      assert.deepEqual(await stored(), { ...before, ...closed });
    });

    it('is tried again where the record changes in between, and keeps that change', async () => {
      const change = meanwhile(async () => {
        const read = await test.storage.records.read(owner.correlationId);
        if (read !== undefined)
          await test.storage.records.replace({ ...read, record: { ...read.record, taskQueue: 'new' } });
      });
      test.proxy.inject({ operation: 'upload', ...jobFile() }, change, { times: 1 });
      await failsWith(close(), 'STORAGE_UNAVAILABLE', { retryable: true });
      await close();
      assert.equal((await stored())?.taskQueue, 'new');
      assert.deepEqual((await stored())?.status, status());
    });

    it('is tried again where storage fails', async () => {
      test.proxy.inject(jobFile(), answerError(503), { times: 1 });
      await failsWith(close(), 'STORAGE_UNAVAILABLE', { retryable: true });
    });
  });

  describe('saveResults', () => {
    const file = (index: number): FileRecord => requestedFile(entry, index, 1);
    const readAll = () => Array.fromAsync(test.storage.records.readResults(owner.correlationId));

    it('appends batch by batch, each once however often it is written', async () => {
      const { correlationId } = owner;
      test.proxy.inject({ operation: 'upload', bucket: test.controlBucket }, resetAfter(), { times: 1 });
      await failsWith(test.run('saveResults', { correlationId, batch: 0, files: [file(0)] }), 'STORAGE_UNAVAILABLE', {
        retryable: true,
      });
      await test.run('saveResults', { correlationId, batch: 0, files: [file(0)] });
      await test.run('saveResults', { correlationId, batch: 1, files: [file(1), file(2)] });
      assert.deepEqual(await readAll(), [file(0), file(1), file(2)]);
    });
  });
});
