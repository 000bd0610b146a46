import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActivityCancellationDetails } from '@temporalio/common';
import type { ListingCursor, ListingPlan, PlanListingTask } from '../../../activities/planning/plan-listing.ts';
import { listingConflicts } from '../../../activities/planning/listing-places.ts';
import type { CollectionLocation } from '../../../contract/messages.ts';
import type { PlannedFile } from '../../../storage/job-chunks.ts';
import { answerError, holdAfter, holdBefore, inPagesOf, type Fault } from '../../support/storage-proxy/index.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('planListing', () => {
  let test: ActivityTest;
  let correlationId: string;
  let folder: string;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    correlationId = randomUUID();
    folder = `${randomUUID()}/`;
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const place = (collectionId: string, bucket: string, prefix: string): CollectionLocation => ({
    ...{ collectionId, bucket, prefix, generation: '1' },
  });

  const put = (...names: string[]) =>
    Promise.all(names.map((name) => test.emulator.putObject(test.sourceBucket, folder + name, name)));

  const task = (changes: Partial<PlanListingTask> = {}, prefix = ''): PlanListingTask => ({
    correlationId,
    source: { kind: 'collection', sourceCollectionId: 'a', destinationCollectionId: 'b', prefix },
    collections: [place('a', test.sourceBucket, folder), place('b', test.destinationBucket, 'copies/')],
    ...{ cursor: null, maxChunks: 100 },
    ...changes,
  });

  async function files(): Promise<PlannedFile[]> {
    const all: PlannedFile[] = [];
    for await (const { chunk, count, firstIndex } of test.storage.chunks.listPlan(correlationId)) {
      const planned = (await test.storage.chunks.readPlan(correlationId, chunk)) ?? [];
      assert.deepEqual({ count, firstIndex }, { count: planned.length, firstIndex: all.length });
      all.push(...planned);
    }
    assert.deepEqual(
      all.map(({ index }) => index),
      [...all.keys()],
    );
    return all;
  }

  const names = async () => (await files()).map(({ fileName }) => fileName);
  /** What was planned, without what tells of the chunks as objects. */
  const planOf = ({ chunks, cursor }: ListingPlan) => ({
    chunks: chunks.map(({ chunk, count }) => ({ chunk, count })),
    cursor,
  });

  it('plans all files, pinned at what is listed, under their names', async () => {
    await put('a', 'ä/🟩', 'x/y');
    const planned = await test.run('planListing', task());
    assert.deepEqual(planOf(planned), { chunks: [{ chunk: 0, count: 3 }], cursor: null });
    const expected = ['a', 'x/y', 'ä/🟩'].map(async (fileName, index) => {
      const state = await test.emulator.statObject(test.sourceBucket, folder + fileName);
      return {
        ...{ sourceCollectionId: 'a', destinationCollectionId: 'b', fileName, destinationFileName: fileName, index },
        source: { generation: state?.generation, size: state?.size, crc32c: state?.crc32c },
      };
    });
    assert.deepEqual(await files(), await Promise.all(expected));
  });

  it('plans what is under the prefix, which may end anywhere', async () => {
    await put('2026/a', '2026/b', '2025/a', '2026', 'x');
    await test.run('planListing', task({}, '2026/'));
    assert.deepEqual(await names(), ['2026/a', '2026/b']);
    await test.run('planListing', task({}, '20'));
    assert.deepEqual(await names(), ['2025/a', '2026', '2026/a', '2026/b']);
  });

  it('plans nothing where nothing is', async () => {
    assert.deepEqual(await test.run('planListing', task()), { chunks: [], cursor: null });
    assert.deepEqual(await files(), []);
  });

  it('takes names that end with a slash for files like any other, but the collection itself for none', async () => {
    await put('', 'folder/', 'folder/f');
    await test.run('planListing', task());
    assert.deepEqual(await names(), ['folder/', 'folder/f']);
  });

  it('plans what has no valid name, here or there, with its problem', async () => {
    await put('.', 'a', 'x'.repeat(900));
    const collections = [place('a', test.sourceBucket, folder), place('b', test.destinationBucket, 'y'.repeat(200))];
    await test.run('planListing', task({ collections }));
    const problems = (await files()).map(({ problem }) => problem);
    assert.deepEqual(problems, [
      'INVALID_REQUEST: the file name must not have "." or ".." as a path segment',
      undefined,
      "INVALID_REQUEST: the file name must be at most 1024 UTF-8 bytes together with the collection's prefix, but is 1100",
    ]);
  });

  it('goes on from its cursor, whatever the pages are', async () => {
    const all = Array.from({ length: 10 }, (_, index) => `file ${index}`);
    await put(...all);
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(3));
    let cursor: ListingCursor | null = null;
    const chunks: number[] = [];
    do {
      const planned: ListingPlan = await test.run('planListing', task({ cursor, maxChunks: 2 }));
      chunks.push(...planned.chunks.map(({ chunk }) => chunk));
      ({ cursor } = planned);
    } while (cursor !== null);
    assert.deepEqual(await names(), all);
    assert.deepEqual(chunks, [...chunks.keys()]);
  });

  it('asks for no page twice, and for no object of one', async () => {
    await put(...Array.from({ length: 6 }, (_, index) => `file ${index}`));
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    const first = await test.run('planListing', task({ maxChunks: 1 }));
    const rest = await test.run('planListing', task({ cursor: first.cursor }));
    assert.deepEqual(
      [first, rest].map((plan) => planOf(plan).chunks.map(({ count }) => count)),
      [[2], [2, 2]],
    );
  });

  it('goes on behind the last name where storage does not know its page any more', async () => {
    await put('a', 'b', 'c', 'd', 'e');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    const { cursor } = await test.run('planListing', task({ maxChunks: 1 }));
    assert.ok(cursor?.page !== undefined);
    const refuseOld: Fault = (request, proceed) =>
      request.query['pageToken'] === cursor.page?.token
        ? answerError(400, { reason: 'invalid' })(request, proceed)
        : proceed();
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, refuseOld);
    await test.run('planListing', task({ cursor }));
    assert.deepEqual(await names(), ['a', 'b', 'c', 'd', 'e']);
  });

  it('tells the generation of each chunk, at which this process reads it once without asking', async () => {
    await put('a');
    const { chunks } = test.storage;
    const [{ generation } = assert.fail()] = (await test.run('planListing', task())).chunks;
    const stored = await test.emulator.statObject(test.controlBucket, `jobs/${correlationId}/plan/000000.ndjson`);
    assert.equal(generation, stored?.generation);
    const reads = test.proxy.requestsFromNow({ operation: 'read', bucket: test.controlBucket });
    const kept = await chunks.readPlan(correlationId, 0, generation);
    assert.equal(reads().length, 0);
    assert.deepEqual(await chunks.readPlan(correlationId, 0, generation), kept);
    assert.equal(reads().length, 1);
  });

  it('marks what it knows to be the last chunk', async () => {
    await put('a', 'b', 'c');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    await test.run('planListing', task());
    const marks = await Array.fromAsync(test.storage.chunks.listPlan(correlationId), ({ isLast }) => isLast);
    assert.deepEqual(marks, [false, true]);
  });

  it('of what another job has left plans what is behind the last file that was listed', async () => {
    await put('a', 'b', 'c', 'd');
    const { source } = task();
    await test.run('planListing', task({ source: { ...source, rest: { after: 'b' } } }));
    assert.deepEqual(await names(), ['c', 'd']);
    await test.run('planListing', task({ source: { ...source, rest: { after: 'd' } } }));
    assert.deepEqual(await names(), []);
    await test.run('planListing', task({ source: { ...source, rest: { after: '' } } }));
    assert.deepEqual(await names(), ['a', 'b', 'c', 'd']);
  });

  it('gives what it has planned where the rest is refused, and says so when it is to go on', async () => {
    await put('a', 'b', 'c', 'd');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    const isSecond = ({ operation, bucket, query }: { operation: string; bucket: string; query: object }) =>
      operation === 'list' && bucket === test.sourceBucket && 'pageToken' in query;
    test.proxy.inject(isSecond, answerError(403));
    const { chunks, cursor } = await test.run('planListing', task());
    assert.deepEqual([chunks.length, await names()], [1, ['a', 'b']]);
    await failsWith(test.run('planListing', task({ cursor })), 'STORAGE_FORBIDDEN', { retryable: false });
  });

  it('plans the same again where its answer was lost', async () => {
    await put('a', 'b', 'c', 'd', 'e');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    const { cursor } = await test.run('planListing', task({ maxChunks: 1 }));
    const first = await test.run('planListing', task({ cursor }));
    assert.deepEqual(planOf(await test.run('planListing', task({ cursor }))), planOf(first));
    assert.deepEqual(await names(), ['a', 'b', 'c', 'd', 'e']);
  });

  it('leaves no chunks for which the collection has become too small', async () => {
    await put('a', 'b', 'c', 'd');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(2));
    await test.run('planListing', task());
    await Promise.all(['b', 'c', 'd'].map((name) => test.emulator.deleteObject(test.sourceBucket, folder + name)));
    await test.run('planListing', task());
    assert.deepEqual(await names(), ['a']);
  });

  it('fails in passing where storage does', async () => {
    await put('a');
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(429), { times: 1 });
    await failsWith(test.run('planListing', task()), 'STORAGE_RATE_LIMITED', { retryable: true });
    test.proxy.inject({ operation: 'upload', bucket: test.controlBucket }, answerError(503), { times: 1 });
    await failsWith(test.run('planListing', task()), 'STORAGE_UNAVAILABLE', { retryable: true });
    await test.run('planListing', task());
    assert.deepEqual(await names(), ['a']);
  });

  it('fails for good where the bucket is missing, or may not be listed', async () => {
    const collections = [place('a', 'no-such-bucket', ''), place('b', test.destinationBucket, '')];
    await failsWith(test.run('planListing', task({ collections })), 'SOURCE_NOT_FOUND', { retryable: false });
    test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, answerError(403, { reason: 'forbidden' }));
    await failsWith(test.run('planListing', task()), 'STORAGE_FORBIDDEN', { retryable: false });
  });

  describe('where the job is cancelled', () => {
    const cancelled = () => new ActivityCancellationDetails({ cancelRequested: true });

    it('waits for no page, and gives what it has planned, from where it can be gone on with', async () => {
      await put('a', 'b', 'c');
      const held = holdBefore();
      const onePage = inPagesOf(1);
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, (request, proceed) =>
        request.query['pageToken'] === undefined ? onePage(request, proceed) : held(request, proceed),
      );
      const { environment, result } = test.start('planListing', task());
      await held.reached;
      environment.cancel('CANCELLED', cancelled());
      const { chunks, cursor } = await result;
      assert.deepEqual(planOf({ chunks, cursor: null }).chunks, [{ chunk: 0, count: 1 }]);
      assert.deepEqual(await names(), ['a']);
      test.proxy.removeFaults();
      held.release();
      assert.deepEqual((await test.run('planListing', task({ cursor }))).cursor, null);
      assert.deepEqual(await names(), ['a', 'b', 'c']);
    });

    it('before the first page, leaves everything to be planned', async () => {
      await put('a');
      const held = holdBefore();
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, held);
      const { environment, result } = test.start('planListing', task());
      await held.reached;
      environment.cancel('CANCELLED', cancelled());
      const { chunks, cursor } = await result;
      assert.deepEqual(chunks, []);
      test.proxy.removeFaults();
      held.release();
      await test.run('planListing', task({ cursor }));
      assert.deepEqual(await names(), ['a']);
    });
  });

  describe('an attempt that was given up as it waited for its page', () => {
    /** Plans m and n; a second attempt finds some more. */
    async function race(more: string[], filesAPage: number): Promise<ListingPlan> {
      await put('m', 'n');
      const held = holdAfter();
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, held, { times: 1 });
      const late = test.start('planListing', task());
      await held.reached;
      await put(...more);
      test.proxy.inject({ operation: 'list', bucket: test.sourceBucket }, inPagesOf(filesAPage));
      const second = await test.run('planListing', task(), { attempt: 2 });
      late.environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
      held.release();
      await failsWith(late.result, 'WORKER_LOST', { retryable: true });
      return second;
    }

    it('replaces no chunk of a later one', async () => {
      assert.deepEqual(planOf(await race(['a', 'z'], 10)).chunks, [{ chunk: 0, count: 4 }]);
      assert.deepEqual(await names(), ['a', 'm', 'n', 'z']);
    });

    it('deletes no chunk of a later one', async () => {
      assert.equal((await race(['o', 'p'], 2)).chunks.length, 2);
      assert.deepEqual(await names(), ['m', 'n', 'o', 'p']);
    });
  });

  describe('beforehand, what is read and what is written', () => {
    const conflicts = (from: CollectionLocation, to: CollectionLocation, prefix = '') => {
      const source = { kind: 'collection', sourceCollectionId: 'a', destinationCollectionId: 'b', prefix } as const;
      return listingConflicts(source, [from, to]).map(({ path }) => path);
    };

    it('may be apart', () => {
      assert.deepEqual(conflicts(place('a', 'one', ''), place('b', 'two', '')), []);
      assert.deepEqual(conflicts(place('a', 'one', 'a/'), place('b', 'one', 'b/')), []);
      assert.deepEqual(conflicts(place('a', 'one', ''), place('b', 'one', 'copies/'), '2026/'), []);
    });

    it('must not overlap', () => {
      const wrong = ['collection.destinationCollectionId'];
      assert.deepEqual(conflicts(place('a', 'one', 'a/'), place('b', 'one', 'a/')), wrong);
      assert.deepEqual(conflicts(place('a', 'one', ''), place('b', 'one', 'copies/')), wrong);
      assert.deepEqual(conflicts(place('a', 'one', 'a/b/'), place('b', 'one', 'a/')), wrong);
    });
  });
});
