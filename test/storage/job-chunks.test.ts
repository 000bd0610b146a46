import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { requestedFile } from '../../contract/file-records.ts';
import type { FileEntry, FileRecord } from '../../contract/messages.ts';
import type { FileState } from '../../contract/states.ts';
import type { JobChunkStore, PlannedFile } from '../../storage/job-chunks.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, inPagesOf, resetAfter } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

const entry = (fileName: string): FileEntry => ({
  ...{ sourceCollectionId: 'a', destinationCollectionId: 'b' },
  ...{ fileName, destinationFileName: fileName },
});

const planned = (index: number): PlannedFile => ({ ...entry(`file ${index} "ü" 🟩`), index });

const result = (index: number, state: FileState = 'Completed', size: number | null = 7): FileRecord => ({
  ...requestedFile(entry(`file ${index}`), index, 1),
  ...{ state, size },
});

/** How many files there are, and in which states, as metadata. */
const counts = (count: number, completed = count, bytes = 7 * completed) => ({
  ...{ count, completed, skipped: 0, failed: 0, cancelled: 0, bytes },
});

describe('job chunk store', () => {
  let storage: TestStorage;
  let chunks: JobChunkStore;
  let id: string;

  before(async () => {
    storage = await makeTestStorage();
    ({ chunks } = storage.connect());
  });

  beforeEach(() => {
    id = randomUUID();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const plan = () => Array.fromAsync(chunks.listPlan(id));
  const results = async () => {
    const parts = await Array.fromAsync(chunks.listResults(id));
    return parts.map(({ generation, ...part }) => {
      assert.match(generation, /^\d+$/);
      return part;
    });
  };

  describe('a plan', () => {
    it('comes back as it was written', async () => {
      const files: PlannedFile[] = [
        planned(0),
        { ...planned(1), source: { generation: '9223372036854775807', size: 2 ** 40, crc32c: 'mnG7TA==' } },
        { ...planned(2), problem: 'INVALID_REQUEST: line 3 is no JSON' },
      ];
      await chunks.writePlan(id, 0, files);
      assert.deepEqual(await chunks.readPlan(id, 0), files);
    });

    it('holds a thousand files with the longest names a chunk', async () => {
      const files = Array.from({ length: 1_000 }, (_, index) => ({ ...entry('🗂'.repeat(256)), index }));
      await chunks.writePlan(id, 0, files);
      assert.deepEqual(await chunks.readPlan(id, 0), files);
    });

    it('may be written again', async () => {
      await chunks.writePlan(id, 0, [planned(0)]);
      await chunks.writePlan(id, 0, [planned(0), planned(1)]);
      assert.deepEqual(await chunks.readPlan(id, 0), [planned(0), planned(1)]);
    });

    it('of an unknown job or chunk is none', async () => {
      assert.equal(await chunks.readPlan(id, 0), undefined);
      assert.deepEqual(await plan(), []);
    });

    it('is listed in the order of its chunks, with what the metadata tells, and nothing is read', async () => {
      for (const chunk of [10, 0, 2]) await chunks.writePlan(id, chunk, [planned(chunk * 2), planned(chunk * 2 + 1)]);
      storage.proxy.inject({ operation: 'read' }, answerError(500));
      storage.proxy.inject({ operation: 'list' }, inPagesOf(2));
      assert.deepEqual(await plan(), [
        { chunk: 0, count: 2, firstIndex: 0, isLast: false },
        { chunk: 2, count: 2, firstIndex: 4, isLast: false },
        { chunk: 10, count: 2, firstIndex: 20, isLast: false },
      ]);
    });

    it('tells of its last chunk, and whether that is known to be the last of all', async () => {
      assert.equal(await chunks.lastPlanned(id), undefined);
      await chunks.writePlan(id, 0, [planned(0)]);
      assert.deepEqual(await chunks.lastPlanned(id), { chunk: 0, count: 1, firstIndex: 0, isLast: false });
      await chunks.writePlan(id, 1, [planned(1)], { isLast: true });
      assert.deepEqual(await chunks.lastPlanned(id), { chunk: 1, count: 1, firstIndex: 1, isLast: true });
    });

    it('has nothing from where no chunk can be', async () => {
      await chunks.writePlan(id, 0, [planned(0)]);
      for (const from of [999_999, 1_000_000, Math.floor(0xff_ff_ff_ff / 1_000)]) {
        assert.deepEqual(await Array.fromAsync(chunks.listPlan(id, { from })), []);
        assert.deepEqual(await Array.fromAsync(chunks.listResults(id, { from })), []);
      }
    });

    it('is listed from one chunk on, or up to one', async () => {
      for (const chunk of [0, 1, 2, 3]) await chunks.writePlan(id, chunk, [planned(chunk)]);
      const listed = async (range: { from?: number; to?: number }) =>
        (await Array.fromAsync(chunks.listPlan(id, range))).map(({ chunk }) => chunk);
      assert.deepEqual(await listed({ from: 2 }), [2, 3]);
      assert.deepEqual(await listed({ to: 1 }), [0]);
      assert.deepEqual(await listed({ from: 1, to: 3 }), [1, 2]);
    });

    it('is listed to its end, beginning with few where few are likely to be wanted', async () => {
      for (const chunk of [0, 1, 2, 3]) await chunks.writePlan(id, chunk, [planned(chunk)]);
      const pages = storage.proxy.requestsFromNow({ operation: 'list' });
      const listed = await Array.fromAsync(chunks.listPlan(id, { atFirst: 3 }));
      assert.deepEqual(
        listed.map(({ chunk }) => chunk),
        [0, 1, 2, 3],
      );
      assert.deepEqual(
        pages().map(({ query }) => query['maxResults']),
        ['3', '1000'],
      );
    });

    it('that was longer once is cut where the new one ends', async () => {
      for (const chunk of [0, 1, 2, 3]) await chunks.writePlan(id, chunk, [planned(chunk)]);
      await chunks.trimPlan(id, 2);
      assert.deepEqual(
        (await plan()).map(({ chunk }) => chunk),
        [0, 1],
      );
    });

    it('that somebody has damaged is a failure, not half a plan', async () => {
      await storage.emulator.putObject(storage.controlBucket, `jobs/${id}/plan/000000.ndjson`, '{"index":0}\n{"ind');
      await failsAs(chunks.readPlan(id, 0), 'malformed');
      await failsAs(plan(), 'malformed');
    });
  });

  describe('results', () => {
    it('come back as they were written, each part by itself', async () => {
      assert.equal(await chunks.writeResults(id, 3, 0, [result(1)]), true);
      assert.equal(await chunks.writeResults(id, 3, 1, [result(0)]), true);
      assert.deepEqual(await chunks.readResults(id, 3, 0), [result(1)]);
      assert.deepEqual(await chunks.readResults(id, 3, 1), [result(0)]);
      assert.equal(await chunks.readResults(id, 3, 2), undefined);
    });

    it('that are there stay as they are', async () => {
      assert.equal(await chunks.writeResults(id, 0, 0, [result(0)]), true);
      assert.equal(await chunks.writeResults(id, 0, 0, [result(0, 'Failed')]), false);
      assert.deepEqual(await chunks.readResults(id, 0, 0), [result(0)]);
    });

    it('are stored once where the answer was lost', async () => {
      storage.proxy.inject({ operation: 'upload', name: `jobs/${id}/results/000000-000.ndjson` }, resetAfter(), {
        times: 1,
      });
      await failsAs(chunks.writeResults(id, 0, 0, [result(0)]), 'unavailable');
      assert.equal(await chunks.writeResults(id, 0, 0, [result(0)]), false);
      assert.deepEqual(await results(), [{ chunk: 0, part: 0, ...counts(1) }]);
    });

    it('are counted by state in the listing; bytes are those that were copied', async () => {
      const files = [
        result(0),
        result(1, 'Completed', 5),
        result(2, 'Skipped', 100),
        result(3, 'Failed', null),
        result(4, 'Cancelled', null),
        result(5, 'Cancelled', null),
      ];
      await chunks.writeResults(id, 0, 0, files);
      assert.deepEqual(await results(), [
        { chunk: 0, part: 0, count: 6, completed: 2, skipped: 1, failed: 1, cancelled: 2, bytes: 12 },
      ]);
    });

    it('are listed by chunk and part, from one chunk on where that is asked', async () => {
      for (const [chunk, part] of [
        [2, 0],
        [0, 1],
        [0, 0],
        [10, 0],
      ] as const) {
        await chunks.writeResults(id, chunk, part, [result(chunk)]);
      }
      const listed = (await results()).map(({ chunk, part }) => [chunk, part]);
      assert.deepEqual(listed, [
        [0, 0],
        [0, 1],
        [2, 0],
        [10, 0],
      ]);
      const some = await Array.fromAsync(chunks.listResults(id, { from: 0, to: 2 }));
      assert.deepEqual(
        some.map(({ chunk, part }) => [chunk, part]),
        [
          [0, 0],
          [0, 1],
        ],
      );
    });

    it('have their order also where a chunk has more than a thousand parts', async () => {
      const parts = [0, 998, 999, 1_000, 1_001, 9_999, 10_000, 123_456];
      for (const part of parts.toReversed()) await chunks.writeResults(id, 7, part, [result(part)]);
      await chunks.writeResults(id, 8, 0, [result(0)]);
      const listed = (await results()).map(({ chunk, part }) => [chunk, part]);
      assert.deepEqual(listed, [...parts.map((part) => [7, part]), [8, 0]]);
      assert.deepEqual(await chunks.readResults(id, 7, 1_001), [result(1_001)]);
      assert.equal(await chunks.writeResults(id, 7, 1_000, [result(0)]), false);
    });

    it('of a file that has not ended are refused', async () => {
      await assert.rejects(chunks.writeResults(id, 0, 0, [result(0, 'Processing')]), /Processing/);
      assert.deepEqual(await results(), []);
    });
  });

  it('fails where storage does', async () => {
    storage.proxy.inject({ bucket: storage.controlBucket }, answerError(503));
    await failsAs(chunks.writePlan(id, 0, [planned(0)]), 'unavailable');
    await failsAs(chunks.readPlan(id, 0), 'unavailable');
    await failsAs(chunks.writeResults(id, 0, 0, [result(0)]), 'unavailable');
    await failsAs(plan(), 'unavailable');
  });
});
