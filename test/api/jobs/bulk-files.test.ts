import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { BulkFiles, endOf } from '../../../api/jobs/bulk-files.ts';
import { requestedFile } from '../../../contract/file-records.ts';
import type { FileFilter, FileRecord } from '../../../contract/messages.ts';
import { CANCELLED_BEFORE_COPY } from '../../../contract/reasons.ts';
import { emptyCounts, FILE_STATES, type FileState, type JobState } from '../../../contract/states.ts';
import { StorageError } from '../../../storage/errors.ts';
import type { JobChunkStore } from '../../../storage/job-chunks.ts';
import { entry, RECEIVED_AT } from './bulk-entries.ts';
import { makeTestStorage, type TestStorage } from '../../support/emulator.ts';
import { answerError, holdBefore } from '../../support/storage-proxy/index.ts';

const ended = (index: number, state: FileState = 'Completed'): FileRecord => ({
  ...requestedFile(entry(index), index, RECEIVED_AT),
  ...{ state, size: 7, history: [{ state, at: RECEIVED_AT + 1 }] },
});

const endAs = (state: JobState, message: string, endedAt = RECEIVED_AT + 1) =>
  endOf({ correlationId: '', state, counts: emptyCounts(5), startedAt: RECEIVED_AT, endedAt, message });

const cancelledAt = (endedAt: number) => endAs('Cancelled', '', endedAt);

describe('the files of a bulk job, as its chunks tell of them,', () => {
  let storage: TestStorage;
  let chunks: JobChunkStore;
  let files: BulkFiles;
  let correlationId: string;

  before(async () => {
    storage = await makeTestStorage();
    ({ chunks } = storage.connect());
  });

  beforeEach(async () => {
    files = new BulkFiles(chunks);
    correlationId = randomUUID();
    await planned(0, [0, 1, 2]);
    await planned(1, [3, 4]);
  });

  const planned = (chunk: number, indices: number[]) =>
    chunks.writePlan(
      correlationId,
      chunk,
      indices.map((index) => ({ ...entry(index), index })),
    );

  /** The states of all files, by index, and which objects were read to tell them. */
  async function told(): Promise<{ states: [number, FileState][]; read: string[] }> {
    const reads = storage.proxy.requestsFromNow({ operation: 'read' });
    const { files: page } = await files.page(
      { correlationId, receivedAt: RECEIVED_AT, end: null },
      { from: 0, limit: 100 },
    );
    const read = reads()
      .map(({ name }) => name.slice(`jobs/${correlationId}/`.length))
      .toSorted();
    return { states: page.map(({ index, state }) => [index, state]), read };
  }

  it('are in the order of the plan, whatever part tells of them, and wait where none does', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(2), ended(0, 'Failed')]);
    await chunks.writeResults(correlationId, 0, 1, [ended(1)]);
    await chunks.writeResults(correlationId, 1, 0, [ended(4)]);
    const { states } = await told();
    assert.deepEqual(states, [
      [0, 'Failed'],
      [1, 'Completed'],
      [2, 'Completed'],
      [3, 'Requested'],
      [4, 'Completed'],
    ]);
  });

  it('were asked for with the job, whether a result tells of them or not', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1), ended(2)]);
    const job = { correlationId, receivedAt: RECEIVED_AT, end: null };
    for (let look = 0; look < 2; look += 1) {
      const page = await files.page(job, { from: 0, limit: 100 });
      for (const { history, state } of page.files) {
        assert.deepEqual(history[0], { state: 'Requested', at: RECEIVED_AT });
        assert.deepEqual(
          [history.at(-1)?.state, history.filter((step) => step.state === 'Requested').length],
          [state, 1],
        );
      }
    }
  });

  it('are told by their results alone where each has one, and by the plan as well where not', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1), ended(2)]);
    await chunks.writeResults(correlationId, 1, 0, [ended(3)]);
    const { read } = await told();
    assert.deepEqual(read, ['plan/000001.ndjson', 'results/000000-000.ndjson', 'results/000001-000.ndjson']);
  });

  it('are told by the plan as well where two parts tell of the same file', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1)]);
    await chunks.writeResults(correlationId, 0, 1, [ended(1)]);
    assert.deepEqual((await told()).states.slice(0, 3), [
      [0, 'Completed'],
      [1, 'Completed'],
      [2, 'Requested'],
    ]);
  });

  it('have their results read once, however often somebody asks, and new ones as they come', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1), ended(2)]);
    await told();
    assert.deepEqual((await told()).read, ['plan/000001.ndjson']);
    await chunks.writeResults(correlationId, 1, 0, [ended(3), ended(4)]);
    const { states, read } = await told();
    assert.deepEqual(read, ['results/000001-000.ndjson']);
    assert.equal(states.length, 5);
    assert.deepEqual(await told(), { states, read: [] });
  });

  describe('where the job has ended without a result of them', () => {
    const REASON = 'STORAGE_UNAVAILABLE: a chunk cannot be read';
    const NO_REASON = 'somebody says something: not one of the codes';

    async function rest(state: JobState, message: string) {
      await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(2, 'Skipped')]);
      const job = { correlationId, receivedAt: RECEIVED_AT, end: endAs(state, message) };
      const all = await files.page(job, { from: 0, limit: 100 });
      const found = all.files.filter(({ index }) => index !== 0 && index !== 2);
      for (const file of found) assert.deepEqual(file.history.at(-1), { state: file.state, at: RECEIVED_AT + 1 });
      const counted: Partial<Record<FileState, number>> = {};
      for (const state of FILE_STATES) {
        const { files: page } = await files.page(job, { from: 0, limit: 100, state });
        assert.deepEqual(
          page,
          all.files.filter((file) => file.state === state),
        );
        assert.equal(await files.count(job, { state }), page.length);
        if (page.length > 0) counted[state] = page.length;
      }
      return { counted, messages: [...new Set(found.map((file) => file.message))] };
    }

    for (const state of ['Failed', 'CompletedWithErrors'] as const) {
      it(`are failed as the job says, where that is ${state}`, async () => {
        const counted = { Completed: 1, Skipped: 1, Failed: 3 };
        assert.deepEqual(await rest(state, REASON), { counted, messages: [REASON] });
        files = new BulkFiles(chunks);
        assert.deepEqual(await rest(state, NO_REASON), { counted, messages: [''] });
      });
    }

    for (const state of ['Cancelled', 'Terminated'] as const) {
      it(`are cancelled where the job is ${state}, whatever it says`, async () => {
        const counted = { Completed: 1, Skipped: 1, Cancelled: 3 };
        assert.deepEqual(await rest(state, REASON), { counted, messages: [CANCELLED_BEFORE_COPY] });
      });
    }
  });

  it('are read some chunks at a time where all are wanted, and told in their order', async () => {
    const count = 20;
    for (let chunk = 0; chunk < count; chunk += 1) {
      await planned(chunk, [chunk]);
      await chunks.writeResults(correlationId, chunk, 0, [ended(chunk, chunk % 10 === 3 ? 'Completed' : 'Failed')]);
    }
    const hold = holdBefore();
    const isRead = { operation: 'read', name: /\/results\// } as const;
    const rule = storage.proxy.inject(isRead, hold);
    const reads = storage.proxy.requestsFromNow(isRead);
    const job = { correlationId, receivedAt: RECEIVED_AT, end: cancelledAt(RECEIVED_AT + 1) };
    const reading = Array.fromAsync(files.all(job, { state: 'Failed' }));
    await hold.reachedBy(8);
    assert.equal(reads().length, 8);
    hold.release();
    const failed = Array.from({ length: count }, (_, index) => index).filter((index) => index % 10 !== 3);
    assert.deepEqual(
      (await reading).flat().map(({ index }) => index),
      failed,
    );
    assert.equal(reads().length, failed.length, 'those that have none are not read');
    rule.remove();
  });

  it('break off where a chunk cannot be read, and are read no further', async () => {
    for (let chunk = 0; chunk < 20; chunk += 1) {
      await planned(chunk, [chunk]);
      await chunks.writeResults(correlationId, chunk, 0, [ended(chunk)]);
    }
    const refused = storage.proxy.inject({ operation: 'read', name: /\/results\/00000[12]-/ }, answerError(403));
    const job = { correlationId, receivedAt: RECEIVED_AT, end: cancelledAt(RECEIVED_AT + 1) };
    const told: number[] = [];
    await assert.rejects(async () => {
      for await (const part of files.all(job, {})) told.push(...part.map(({ index }) => index));
    }, StorageError);
    refused.remove();
    assert.deepEqual(told, [0]);
  });

  it('are counted once for each filter where the job has ended, and anew while it runs', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1, 'Failed')]);
    const counted = async (endedAt: number | null, filter: FileFilter) => {
      const requests = storage.proxy.requestsFromNow();
      const count = await files.count(
        { correlationId, receivedAt: RECEIVED_AT, end: endedAt === null ? null : cancelledAt(endedAt) },
        filter,
      );
      return [count, requests().length > 0];
    };
    const failed = { state: 'Failed', collectionId: 'to' } as const;
    for (const isRead of [true, true]) assert.deepEqual(await counted(null, failed), [1, isRead]);
    for (const isRead of [true, false]) {
      assert.deepEqual(await counted(RECEIVED_AT + 1, failed), [1, isRead]);
      assert.deepEqual(await counted(RECEIVED_AT + 1, { collectionId: 'to' }), [5, isRead]);
      assert.deepEqual(await counted(RECEIVED_AT + 1, { collectionId: 'nowhere' }), [0, isRead]);
    }
    assert.deepEqual(await counted(RECEIVED_AT + 2, failed), [1, true], 'of a job that had its correlation id later');
  });

  it('are those of the job that has the correlation id now', async () => {
    await chunks.writeResults(correlationId, 0, 0, [ended(0), ended(1), ended(2)]);
    await told();
    const name = `jobs/${correlationId}/results/000000-000.ndjson`;
    await storage.connect().objects.remove({ bucket: storage.controlBucket, name });
    await chunks.writeResults(correlationId, 0, 0, [ended(0, 'Failed'), ended(1), ended(2)]);
    assert.deepEqual((await told()).states[0], [0, 'Failed']);
  });
});
