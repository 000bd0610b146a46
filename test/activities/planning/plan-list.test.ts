import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import fc from 'fast-check';
import { findConflicts } from '../../../activities/access/check-access.ts';
import { MAX_LISTED_COLLECTIONS } from '../../../contract/limits.ts';
import type { FileEntry, JobOwner, RequestError } from '../../../contract/messages.ts';
import type { PlannedFile } from '../../../storage/job-chunks.ts';
import { answerError, breakAnswer, holdAfter, holdBefore, stallAnswer } from '../../support/storage-proxy/index.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

const ANN = { caller: 'ann', principals: ['ann'] };

describe('planList', () => {
  let test: ActivityTest;
  let from: string;
  let to: string;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(async () => {
    owner = newOwner();
    from = await collection(test.sourceBucket, { readonly: ['ann'] });
    to = await collection(test.destinationBucket, { readwrite: ['ann'] });
  });

  afterEach(() => {
    test.proxy.removeFaults();
    test.logged.splice(0);
  });

  /** Puts a collection that these may use, and gives its id, which is its prefix too. */
  async function collection(bucket: string, acl: object, changes: object = {}): Promise<string> {
    const collectionId = randomUUID();
    const place = { collectionName: 'A collection', bucket, prefix: `${collectionId}/` };
    await test.emulator.putCollection({ collectionId, ...place, acl, ...changes });
    return collectionId;
  }

  const entry = (fileName: string, destinationFileName = fileName): FileEntry => ({
    ...{ sourceCollectionId: from, destinationCollectionId: to, fileName, destinationFileName },
  });
  const lines = (...entries: (object | string)[]) =>
    entries.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n');

  /** Puts a manifest into the source collection, and gives the task that plans it. */
  async function manifest(content: string | Uint8Array, fileName = 'lists/list.ndjson') {
    await test.emulator.putObject(test.sourceBucket, `${from}/${fileName}`, content);
    return { owner, requestor: ANN, source: { kind: 'manifest' as const, collectionId: from, fileName } };
  }

  /** Stores a list as the API does, and gives the task that plans it. */
  async function stored(entries: readonly FileEntry[]) {
    const object = `jobs/${owner.correlationId}/input/list.ndjson`;
    await test.emulator.putObject(test.controlBucket, object, lines(...entries));
    const { generation = '' } = (await test.emulator.statObject(test.controlBucket, object)) ?? {};
    return { owner, requestor: ANN, source: { kind: 'stored' as const, object, generation, count: entries.length } };
  }

  const plan = (task: Awaited<ReturnType<typeof manifest | typeof stored>>) => test.run('planList', task);

  async function granted(task: Awaited<ReturnType<typeof manifest | typeof stored>>) {
    const planned = await plan(task);
    assert.ok(planned.granted, JSON.stringify(planned));
    return planned;
  }

  async function refused(task: Awaited<ReturnType<typeof manifest | typeof stored>>): Promise<RequestError[]> {
    const planned = await plan(task);
    assert.ok(!planned.granted && planned.admission.decision === 'invalid', JSON.stringify(planned));
    assert.deepEqual(await chunks(), []);
    return planned.admission.errors;
  }

  const chunks = () => Array.fromAsync(test.storage.chunks.listPlan(owner.correlationId));

  /** The whole plan. */
  async function files(): Promise<PlannedFile[]> {
    const all: PlannedFile[] = [];
    for (const { chunk } of await chunks()) {
      all.push(...((await test.storage.chunks.readPlan(owner.correlationId, chunk)) ?? []));
    }
    return all;
  }

  const problems = async () => (await files()).map(({ problem }) => problem);

  describe('of a manifest', () => {
    it('writes what is to be copied, in its order, and tells where that is', async () => {
      const planned = await granted(await manifest(lines(entry('x/b', 'y/b'), entry('x/a', 'y/a'))));
      assert.deepEqual(await files(), [
        { ...entry('x/b', 'y/b'), index: 0 },
        { ...entry('x/a', 'y/a'), index: 1 },
      ]);
      const { collections, ...rest } = planned;
      assert.deepEqual(
        collections.map(({ collectionId, bucket, prefix }) => [collectionId, bucket, prefix]),
        [
          [from, test.sourceBucket, `${from}/`],
          [to, test.destinationBucket, `${to}/`],
        ],
      );
      assert.deepEqual(rest, {
        ...{ granted: true, chunks: 1, requested: 2 },
        prefixes: [{ bucket: test.destinationBucket, prefix: `${to}/y/` }],
        sources: [{ bucket: test.sourceBucket, prefix: `${from}/x/` }],
      });
    });

    it('reads CSV and what is compressed', async () => {
      const csv = `fileName,destinationCollectionId,sourceCollectionId\r\n"a, b",${to},${from}\r\n`;
      for (const [name, content] of [
        ['list.csv', csv],
        ['list.csv.gz', gzipSync(csv)],
        ['list.ndjson.gz', gzipSync(lines(entry('a, b')))],
      ] as const) {
        await granted(await manifest(content, name));
        assert.deepEqual(await files(), [{ ...entry('a, b'), index: 0 }]);
      }
    });

    it('makes chunks of a thousand files', async () => {
      const many = Array.from({ length: 2_001 }, (_, index) => entry(`file ${index}`));
      const planned = await granted(await manifest(lines(...many)));
      assert.deepEqual({ chunks: planned.chunks, requested: planned.requested }, { chunks: 3, requested: 2_001 });
      assert.deepEqual(await chunks(), [
        { chunk: 0, count: 1_000, firstIndex: 0, isLast: false },
        { chunk: 1, count: 1_000, firstIndex: 1_000, isLast: false },
        { chunk: 2, count: 1, firstIndex: 2_000, isLast: false },
      ]);
      assert.deepEqual(
        await files(),
        many.map((one, index) => ({ ...one, index })),
      );
    });

    it('may name nothing', async () => {
      const planned = await granted(await manifest('\n'));
      assert.deepEqual(planned, { granted: true, collections: [], chunks: 0, requested: 0, prefixes: [], sources: [] });
    });

    it('plans wrong lines with their number and what is wrong, and goes on as if they were not there', async () => {
      const tooLong = 'x'.repeat(1_000);
      const content = lines(
        entry('a'),
        '{"fileName": 7',
        '',
        entry('b', 'a'),
        entry('..'),
        entry('c', tooLong),
        entry('b'),
        { ...entry('d'), destinationCollectionId: 'no/id' },
        entry('d', 'b'),
        entry('e'),
      );
      const { requested } = await granted(await manifest(content));
      assert.equal(requested, 9);
      assert.deepEqual(await problems(), [
        undefined,
        'INVALID_REQUEST: line 2: is no JSON',
        'INVALID_REQUEST: line 4: destinationFileName is already the destination of line 1',
        'INVALID_REQUEST: line 5: fileName must not have "." or ".." as a path segment',
        "INVALID_REQUEST: line 6: destinationFileName must be at most 1024 UTF-8 bytes together with the collection's prefix, but is 1037",
        undefined,
        'INVALID_REQUEST: line 8: destinationCollectionId must not contain "/" or control characters',
        'INVALID_REQUEST: line 9: destinationFileName is already the destination of line 7',
        undefined,
      ]);
    });

    it('finds files in each other’s way by bucket and object, since collections may overlap', async () => {
      const whole = await collection(test.destinationBucket, { owner: ['ann'] }, { prefix: '' });
      const over = (fileName: string, changes: Partial<FileEntry>) => ({ ...entry(fileName), ...changes });
      const content = lines(
        entry('a'),
        over('b', { destinationCollectionId: whole, destinationFileName: `${to}/a` }),
        over(`${to}/a`, { sourceCollectionId: whole, destinationFileName: 'c' }),
        over(`${to}/d`, { sourceCollectionId: whole, destinationFileName: 'e' }),
        entry('f', 'd'),
        over(`${to}/g`, { sourceCollectionId: whole, destinationFileName: 'g' }),
      );
      await granted(await manifest(content));
      assert.deepEqual(await problems(), [
        undefined,
        'INVALID_REQUEST: line 2: destinationFileName is already the destination of line 1',
        'INVALID_REQUEST: line 3: fileName is also the destination of line 1',
        undefined,
        'INVALID_REQUEST: line 5: destinationFileName is also the source of line 4',
        'INVALID_REQUEST: line 6: destinationFileName is the source file itself',
      ]);
    });

    it('lets no file be written over the list itself', async () => {
      const lists = await collection(test.sourceBucket, { owner: ['ann'] }, { prefix: `${from}/` });
      const task = await manifest(
        lines(entry('a', 'b'), { ...entry('c', 'lists/list.ndjson'), destinationCollectionId: lists }),
      );
      await granted(task);
      assert.deepEqual(await problems(), [
        undefined,
        'INVALID_REQUEST: line 2: destinationFileName is the manifest itself',
      ]);
    });

    it('locks nothing for files that cannot be copied', async () => {
      const planned = await granted(await manifest(lines(entry('x/a'), entry('y/b', 'x/a'))));
      assert.deepEqual(planned.prefixes, [{ bucket: test.destinationBucket, prefix: `${to}/x/` }]);
    });

    const unreadable: [title: string, name: string, content: string | Uint8Array | undefined, message: RegExp][] = [
      ['is missing', 'none.ndjson', undefined, /^does not exist$/],
      ['has another extension', 'list.txt', '', /^must end in one of/],
      ['is no gzip', 'list.csv.gz', 'a,b', /^is no valid gzip/],
      [
        'is gzip by another name',
        'list.ndjson',
        gzipSync('a,b'),
        /^is compressed with gzip: its name must end with .gz/,
      ],
      ['has a wrong header', 'list.csv', 'a,b', /^has an unknown column "a" in its header/],
      ['has a name too long with its prefix', `${'x'.repeat(1_000)}.csv`, undefined, /together with the collection/],
    ];
    for (const [title, name, content, message] of unreadable) {
      it(`is refused as a whole where it ${title}`, async () => {
        const task = await manifest(content ?? '', content === undefined ? 'another.csv' : name);
        const errors = await refused({ ...task, source: { ...task.source, fileName: name } });
        assert.equal(errors.length, 1);
        assert.equal(errors[0]?.path, 'manifest.fileName');
        assert.match(errors[0].message, message);
      });
    }

    it('is refused as a whole where it turns out damaged, and leaves no plan', async () => {
      const zipped = gzipSync(lines(...Array.from({ length: 3_000 }, () => entry(randomUUID()))));
      const errors = await refused(await manifest(zipped.subarray(0, -20), 'list.ndjson.gz'));
      assert.match(errors[0]?.message ?? '', /^is no valid gzip/);
    });

    it('is refused where storage does not let the service read it', async () => {
      const task = await manifest(lines(entry('a')));
      test.proxy.inject({ operation: 'read', bucket: test.sourceBucket }, answerError(403, { reason: 'forbidden' }));
      assert.match((await refused(task))[0]?.message ?? '', /^cannot be read: Cloud Storage answered 403/);
    });

    it('is refused where it names too many collections', async () => {
      const ids = Array.from({ length: MAX_LISTED_COLLECTIONS }, () => randomUUID());
      const document = (collectionId: string) => ({
        ...{ collectionId, collectionName: '', bucket: test.destinationBucket, prefix: `${collectionId}/` },
        acl: { owner: ['ann'] },
      });
      const put = (id: string) =>
        test.emulator.putObject(test.controlBucket, `collections/${id}.json`, JSON.stringify(document(id)));
      await Promise.all(ids.map(put));
      const content = lines(...ids.map((id) => ({ ...entry('f'), destinationCollectionId: id })));
      assert.deepEqual(await refused(await manifest(content)), [
        { path: 'manifest.fileName', message: 'names more than 500 collections' },
      ]);
    });
  });

  describe('of a list that came with the request', () => {
    it('plans it at the generation it was stored at', async () => {
      const task = await stored([entry('b'), entry('a')]);
      await granted(task);
      assert.deepEqual(await files(), [
        { ...entry('b'), index: 0 },
        { ...entry('a'), index: 1 },
      ]);
      await test.emulator.putObject(test.controlBucket, task.source.object, lines(entry('other')));
      await failsWith(plan(task), 'STORAGE_REFUSED', { retryable: true, message: /missing at generation/ });
    });

    it('refuses it for the entries for which a short list is refused', async () => {
      const id = await collection(test.destinationBucket, { owner: ['ann'] });
      const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'x'.repeat(1_010));
      const entries = fc.array(
        fc.record(
          {
            sourceCollectionId: fc.constantFrom(id, from),
            destinationCollectionId: fc.constant(id),
            ...{ fileName: name, destinationFileName: name },
          },
          { noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 6 },
      );
      const collections = [
        { collectionId: id, bucket: test.destinationBucket, prefix: `${id}/`, generation: '' },
        { collectionId: from, bucket: test.sourceBucket, prefix: `${from}/`, generation: '' },
      ];
      await fc.assert(
        fc.asyncProperty(entries, async (list) => {
          const planned = await plan(await stored(list));
          const short = findConflicts(list, collections);
          const long = !planned.granted && planned.admission.decision === 'invalid' ? planned.admission.errors : [];
          const wrong = (errors: readonly RequestError[]) => [...new Set(errors.map(({ path }) => path.split('.')[0]))];
          assert.deepEqual(wrong(long), wrong(short));
          const told = new Set(short.map((error) => JSON.stringify(error)));
          for (const error of long) assert.ok(told.has(JSON.stringify(error)), JSON.stringify(error));
        }),
        { numRuns: 60 },
      );
    });

    it('tells a thousand mistakes at most', async () => {
      const errors = await refused(await stored(Array.from({ length: 1_500 }, () => entry('a'))));
      assert.equal(errors.length, 1_000);
      assert.deepEqual(errors.at(-1), {
        path: 'copyFileCollectionData[1000].destinationFileName',
        message: 'is already the destination of copyFileCollectionData[0]',
      });
    });
  });

  describe('decides access:', () => {
    async function denied(task: Awaited<ReturnType<typeof manifest | typeof stored>>, collectionId: string, line = '') {
      const planned = await plan(task);
      assert.ok(!planned.granted && planned.admission.decision === 'forbidden', JSON.stringify(planned));
      const { message } = planned.admission;
      assert.ok(
        message.startsWith(`ACCESS_DENIED: ${line}the caller may not `) && message.includes(collectionId),
        message,
      );
      assert.equal(test.logged.at(-1)?.['collectionId'], collectionId);
      assert.deepEqual(await chunks(), []);
    }

    it('one pair without it forbids all, however late it comes', async () => {
      const foreign = await collection(test.sourceBucket, { owner: ['bob'] });
      const late = { ...entry('late'), sourceCollectionId: foreign };
      const many = Array.from({ length: 2_500 }, (_, index) => entry(`file ${index}`));
      await denied(await manifest(lines(...many, late)), foreign, 'line 2501: ');
      await denied(await stored([...many, late]), foreign);
    });

    it('it comes before all that is wrong with the files', async () => {
      const foreign = await collection(test.sourceBucket, { owner: ['bob'] });
      const late = { ...entry('late'), destinationCollectionId: foreign };
      await denied(await stored([entry('a'), entry('a'), late]), foreign);
    });

    for (const [what, wrong] of [
      ['a bad name', { fileName: '../a' }],
      ['no name', { fileName: undefined }],
      ['an unknown field', { extra: 1 }],
      ['another collection that is none', { destinationCollectionId: '' }],
    ] as const) {
      it(`a line of a manifest that has ${what} as well is no less forbidden`, async () => {
        const foreign = await collection(test.sourceBucket, { owner: ['bob'] });
        const line = { ...entry('a'), sourceCollectionId: foreign, ...wrong };
        await denied(await manifest(lines(entry('first'), line)), foreign, 'line 2: ');
      });
    }

    it('a collection that a line cannot have meant is wrong, and not forbidden', async () => {
      const wrong = ['', 'a/b', '\ud800'].map((id) => ({ ...entry('a'), sourceCollectionId: id }));
      const { requested } = await granted(await manifest(lines(entry('first'), ...wrong)));
      assert.equal(requested, 4);
    });

    it('reading a collection does not let a caller write it', async () => {
      await denied(await manifest(lines({ ...entry('f'), destinationCollectionId: from })), from, 'line 1: ');
    });

    it('the collection of the manifest needs it too, but need not be copied', async () => {
      const task = await manifest(lines(entry('a')));
      const lists = await collection(test.sourceBucket, { owner: ['bob'] });
      await denied({ ...task, source: { ...task.source, collectionId: lists } }, lists);
      const other = await collection(test.sourceBucket, { readonly: ['ann'] }, { prefix: `${from}/lists/` });
      const source = { ...task.source, collectionId: other, fileName: 'list.ndjson' };
      const { collections } = await granted({ ...task, source });
      assert.deepEqual(
        collections.map(({ collectionId }) => collectionId),
        [from, to],
      );
    });

    it('each collection is read once', async () => {
      const task = await stored(Array.from({ length: 50 }, (_, index) => entry(String(index))));
      const reads = test.proxy.requestsFromNow({ operation: 'read', name: /^collections\// });
      await granted(task);
      assert.equal(reads().length, 2);
    });
  });

  describe('where something fails', () => {
    it('goes on where the connection breaks', async () => {
      const many = Array.from({ length: 2_000 }, (_, index) => entry(`file ${index}`));
      const task = await manifest(lines(...many));
      test.proxy.inject({ operation: 'read', bucket: test.sourceBucket }, breakAnswer(), { times: 2 });
      assert.equal((await granted(task)).requested, 2_000);
    });

    it('fails in passing where storage does, and another attempt plans the same', async () => {
      const many = Array.from({ length: 1_500 }, (_, index) => entry(`file ${index}`));
      const task = await manifest(lines(...many));
      for (const matcher of [
        { operation: 'read', bucket: test.sourceBucket },
        { operation: 'read', name: `collections/${to}.json` },
        { operation: 'upload', name: `jobs/${owner.correlationId}/plan/000001.ndjson` },
        { operation: 'list', bucket: test.controlBucket },
      ] as const) {
        test.proxy.inject(matcher, answerError(503));
        await failsWith(plan(task), 'STORAGE_UNAVAILABLE', { retryable: true });
        test.proxy.removeFaults();
      }
      await granted(task);
      assert.deepEqual(
        await files(),
        many.map((one, index) => ({ ...one, index })),
      );
    });

    it('leaves nothing of an earlier, longer plan', async () => {
      await granted(await manifest(lines(...Array.from({ length: 2_500 }, (_, index) => entry(`file ${index}`)))));
      await granted(await manifest(lines(entry('a'))));
      assert.deepEqual(await files(), [{ ...entry('a'), index: 0 }]);
    });

    it('waits for no line where the job is cancelled', async () => {
      const task = await manifest(lines(...Array.from({ length: 5_000 }, (_, index) => entry(`file ${index}`))));
      const held = holdBefore();
      test.proxy.inject({ operation: 'read', bucket: test.sourceBucket }, held);
      const { environment, result } = test.start('planList', task);
      await held.reached;
      environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
      await assert.rejects(result, CancelledFailure);
      assert.deepEqual(await chunks(), []);
      held.release();
    });

    it('stops in the middle where the job is cancelled: what is planned by then stays', async () => {
      const task = await manifest(lines(...Array.from({ length: 5_000 }, (_, index) => entry(`file ${index}`))));
      test.proxy.inject({ operation: 'read', bucket: test.sourceBucket }, stallAnswer());
      const second = test.proxy.nextRequest({ operation: 'upload', bucket: test.controlBucket, name: /plan\/000001/ });
      const { environment, result } = test.start('planList', task);
      await second;
      environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
      await assert.rejects(result, CancelledFailure);
      assert.equal((await chunks()).length, 2, 'what is under way is waited for');
    });

    it('stops where the job is cancelled', async () => {
      const task = await manifest(lines(...Array.from({ length: 5_000 }, (_, index) => entry(`file ${index}`))));
      const held = holdBefore();
      test.proxy.inject({ operation: 'read', bucket: test.sourceBucket }, held);
      const { environment, result } = test.start('planList', task);
      await held.reached;
      environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
      held.release();
      await assert.rejects(result, CancelledFailure);
      assert.deepEqual(await chunks(), []);
    });
  });

  it('given up where it has read that access is missing, leaves the plan of a later attempt', async () => {
    const acl = { collectionName: 'A collection', bucket: test.destinationBucket, prefix: `${to}/` };
    await test.emulator.putCollection({ collectionId: to, ...acl, acl: {} });
    const task = await manifest(lines(entry('a')));
    const held = holdAfter();
    test.proxy.inject({ operation: 'read', name: new RegExp(to) }, held, { times: 1 });
    const late = test.start('planList', task);
    await held.reached;
    await test.emulator.putCollection({ collectionId: to, ...acl, acl: { readwrite: ['ann'] } });
    const second = await test.run('planList', task, { attempt: 2 });
    assert.ok(second.granted);
    late.environment.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true }));
    held.release();
    await failsWith(late.result, 'WORKER_LOST', { retryable: true });
    assert.equal((await chunks()).length, second.chunks);
  });
});
