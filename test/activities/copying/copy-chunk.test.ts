import assert from 'node:assert/strict';
import { AWKWARD_NAMES } from '../../storage/object-names.ts';
import { answerError, inPagesOf } from '../../support/storage-proxy/index.ts';
import { plainFiles, prepareChunk, type Chunking } from './chunking.ts';
import { failsWith, makeActivityTest, type ActivityTest } from '../support.ts';

describe('copyChunk', () => {
  let test: ActivityTest;

  before(async () => {
    test = await makeActivityTest();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  /** Every file has been copied, by one write. */
  async function assertCopied(chunking: Chunking, names = chunking.names): Promise<void> {
    for (const name of names) {
      assert.equal(await chunking.content(name), `content of ${name}`);
      assert.equal(chunking.writes(name), 1, name);
    }
  }

  describe('copies', () => {
    it('the files of a chunk, and stores what became of each', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(3) });
      const outcome = await test.run('copyChunk', chunking.task);
      const bytes = 3 * 'content of file-0'.length;
      assert.deepEqual(outcome, {
        counts: { count: 3, completed: 3, skipped: 0, failed: 0, cancelled: 0, bytes },
        leftovers: [],
        reason: '',
      });
      await assertCopied(chunking);
      const { source, destination } = await statBoth(chunking, 'file-1');
      const { history, ...record } = await chunking.record('file-1');
      assert.deepEqual(record, {
        ...{ sourceCollectionId: 'originals', destinationCollectionId: 'copies' },
        ...{
          fileName: 'file-1',
          destinationFileName: 'file-1',
          index: 101,
          state: 'Completed',
          retryCount: 0,
          message: '',
        },
        ...{ size: 17, crc32c: destination?.crc32c, generation: destination?.generation },
        sourceGeneration: source?.generation,
      });
      assert.deepEqual(
        history.map(({ state }) => state),
        ['Processing', 'Completed'],
      );
    });

    it('with one rewrite a file, and a few requests for all', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(50) });
      const requests = test.proxy.requestsFromNow();
      await test.run('copyChunk', chunking.task);
      const counts = Map.groupBy(requests(), ({ operation }) => operation);
      assert.deepEqual(Object.fromEntries(Array.from(counts, ([operation, { length }]) => [operation, length])), {
        ...{ read: 1, list: 2, stat: 1, rewrite: 50, upload: 1 },
      });
    });

    it('pinned on both sides, as the listings told', async () => {
      const chunking = await prepareChunk(test, { files: { ...plainFiles(6), there: { existing: 'theirs' } } });
      const { source, destination } = await statBoth(chunking, 'there');
      await test.run('copyChunk', chunking.task);
      const [{ query } = assert.fail()] = chunking.rewrites('there');
      assert.equal(query['sourceGeneration'], source?.generation);
      assert.equal(query['ifGenerationMatch'], destination?.generation);
      assert.equal(chunking.rewrites('file-0')[0]?.query['ifGenerationMatch'], '0');
    });

    it('what a listing had pinned, without listing the sources again', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(6, { isPinned: true }) });
      const listed = chunking.inject('list sources', inPagesOf(1_000));
      await test.run('copyChunk', chunking.task);
      await assertCopied(chunking);
      assert.equal(listed.hits, 0);
    });

    it('files that listings give on many pages', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(60, { existing: 'theirs' }) });
      chunking.inject('list sources', inPagesOf(20));
      chunking.inject('list destinations', inPagesOf(20));
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, 60);
      await assertCopied(chunking);
    });

    it('only those that are meant', async () => {
      const chunking = await prepareChunk(test, { files: plainFiles(8), only: [102, 105] });
      const { counts, leftovers } = await test.run('copyChunk', chunking.task);
      assert.deepEqual([counts.count, leftovers], [2, []]);
      assert.deepEqual(await chunking.states(), { 'file-2': 'Completed', 'file-5': 'Completed' });
      await assertCopied(chunking, ['file-2', 'file-5']);
      assert.equal(await chunking.content('file-0'), undefined);
    });

    it('files of awkward names, in ranges that go by their bytes', async () => {
      // By UTF-16 units the emoji would come before U+FB01 and U+FFFD.
      const extra = ['\ufb01', '\ufffd', '🗂', 'z', '\u{10ffff}', 'caf\u00e9 ', 'caf\u00e9!'];
      // With the prefix of the chunk, these are too long.
      const names = AWKWARD_NAMES.map(([, name]) => name).filter((name) => Buffer.byteLength(name) < 900);
      const files = Object.fromEntries([...names, ...extra].map((name) => [name, { existing: 'theirs' }]));
      const chunking = await prepareChunk(test, { files });
      chunking.inject('list sources', inPagesOf(20));
      const { counts } = await test.run('copyChunk', chunking.task);
      assert.equal(counts.completed, Object.keys(files).length);
      await assertCopied(chunking);
    });

    it('empty chunks too', async () => {
      const chunking = await prepareChunk(test, { files: {} });
      const { counts, leftovers } = await test.run('copyChunk', chunking.task);
      assert.deepEqual([counts.count, leftovers], [0, []]);
    });
  });

  describe('with overwrite', () => {
    const files = {
      absent: {},
      ...plainFiles(4),
      same: { existing: 'content of same' },
      other: { existing: 'theirs' },
    };

    for (const [overwrite, same, other] of [
      ['always', 'Completed', 'Completed'],
      ['ifDifferent', 'Skipped', 'Completed'],
      ['never', 'Skipped', 'Skipped'],
    ] as const) {
      it(`"${overwrite}" decides from the listings`, async () => {
        const chunking = await prepareChunk(test, { files, overwrite });
        const { counts } = await test.run('copyChunk', chunking.task);
        const states = await chunking.states();
        assert.deepEqual([states['absent'], states['same'], states['other']], ['Completed', same, other]);
        assert.equal(counts.skipped, [same, other].filter((state) => state === 'Skipped').length);
        assert.equal(chunking.writes('same'), same === 'Skipped' ? 0 : 1);
        assert.equal(await chunking.content('other'), other === 'Skipped' ? 'theirs' : 'content of other');
        const { message, generation } = await chunking.record('same');
        const codes = { always: /^$/, ifDifferent: /^DESTINATION_UNCHANGED: /, never: /^DESTINATION_EXISTS: / };
        assert.match(message, codes[overwrite]);
        assert.equal(generation, (await statBoth(chunking, 'same')).destination?.generation);
      });
    }
  });

  it('ends files that were planned with a problem, and copies the rest', async () => {
    const problem = 'INVALID_REQUEST: line 7 has no fileName';
    const chunking = await prepareChunk(test, { files: { ...plainFiles(2), broken: { source: null, problem } } });
    const { counts } = await test.run('copyChunk', chunking.task);
    assert.deepEqual([counts.completed, counts.failed], [2, 1]);
    const { state, message, history } = await chunking.record('broken');
    assert.deepEqual([state, message], ['Failed', problem]);
    assert.deepEqual(
      history.map((step) => step.state),
      ['Failed'],
      'its copying never began',
    );
    assert.equal(chunking.rewrites('broken').length, 0);
  });

  describe('with places that others hold', () => {
    const FILES = { 'a/1': {}, 'a/2': {}, b: {}, c: { existing: 'content of c' }, 'd/1': {} };

    /** A chunk of a job without these destinations, this source, and what is under this prefix. */
    async function withoutOthers(more: { settle?: boolean; isPinned?: boolean } = {}) {
      const { isPinned = false, ...options } = more;
      const files = Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, { ...file, isPinned }]));
      const chunking = await prepareChunk(test, { files, ...options });
      const [{ prefix } = assert.fail()] = chunking.task.collections;
      const lockedPlaces = await test.storage.lockedPlaces.keep(chunking.correlationId, [
        { bucket: test.destinationBucket, name: `${prefix}a/1` },
        { bucket: test.sourceBucket, name: `${prefix}b` },
        { bucket: test.destinationBucket, prefix: `${prefix}d/` },
      ]);
      return { chunking, task: { ...chunking.task, lockedPlaces } };
    }

    it('skips the files of which others hold either side, and copies the rest', async () => {
      const { chunking, task } = await withoutOthers();
      const { counts, leftovers } = await test.run('copyChunk', task);
      assert.deepEqual([counts.count, counts.completed, counts.skipped, leftovers], [5, 2, 3, []]);
      for (const name of ['a/1', 'b', 'd/1']) {
        const { state, message, generation } = await chunking.record(name);
        assert.deepEqual([state, generation], ['Skipped', null]);
        assert.equal(message, 'FILE_LOCKED: the file is locked by another job or by hand, and onLocked is "skip"');
        assert.equal(chunking.rewrites(name).length, 0);
      }
      await assertCopied(chunking, ['a/2', 'c']);
    });

    it('takes what others have written there since for its own, though it be the same, no more than when it settles', async () => {
      for (const options of [{}, { settle: true, isPinned: true }]) {
        const { chunking, task } = await withoutOthers(options);
        for (const name of ['a/1', 'a/2']) await chunking.putDestination(name, `content of ${name}`);
        await test.run('copyChunk', task);
        const { state, generation } = await chunking.record('a/1');
        assert.deepEqual([state, generation], ['Skipped', null]);
        assert.equal((await chunking.record('a/2')).state, 'Completed', 'under its own lock, that is its own');
      }
    });

    it('skips all of them under no lock, where others hold all', async () => {
      const { chunking, task } = await withoutOthers();
      const [{ bucket, prefix } = assert.fail()] = chunking.task.locks;
      const lockedPlaces = await test.storage.lockedPlaces.keep(chunking.correlationId, [{ bucket, prefix }]);
      const { counts } = await test.run('copyChunk', { ...task, locks: [], lockedPlaces });
      assert.equal(counts.skipped, 5);
      assert.equal(chunking.rewrites().length, 0);
    });

    it('writes nothing where it is not known any more what these are', async () => {
      const { chunking, task } = await withoutOthers();
      const gone = { ...task, lockedPlaces: 'gone' };
      await failsWith(test.run('copyChunk', gone), 'INTERNAL_ERROR', { retryable: false });
      assert.equal(chunking.rewrites().length, 0);
    });

    it('is tried again where storage does not tell', async () => {
      const { chunking, task } = await withoutOthers();
      const name = `jobs/${chunking.correlationId}/locked/elsewhere.ndjson`;
      test.proxy.inject({ operation: 'read', bucket: test.controlBucket, name }, answerError(503));
      const elsewhere = { ...task, lockedPlaces: 'elsewhere' };
      await failsWith(test.run('copyChunk', elsewhere), 'STORAGE_UNAVAILABLE', { retryable: true });
    });
  });

  it('only tells what would happen in a dry run, whatever locks there are', async () => {
    const files = { ...plainFiles(4), there: { existing: 'theirs' }, missing: { source: null } };
    const chunking = await prepareChunk(test, { files, dryRun: true });
    const { counts } = await test.run('copyChunk', { ...chunking.task, locks: [] });
    assert.equal(counts.skipped, 6);
    assert.equal(chunking.rewrites().length, 0);
    for (const [name, message] of [
      ['file-0', 'DRY_RUN: would be copied, 17 bytes'],
      ['there', 'DRY_RUN: would replace the destination, 16 bytes'],
      ['missing', 'DRY_RUN: would fail: SOURCE_NOT_FOUND'],
    ] as const) {
      assert.equal((await chunking.record(name)).message, message);
    }
  });

  it('fails for good where the chunk was not planned', async () => {
    const chunking = await prepareChunk(test, { files: {} });
    const task = { ...chunking.task, chunk: 7 };
    await failsWith(test.run('copyChunk', task), 'INTERNAL_ERROR', { retryable: false });
  });

  async function statBoth(chunking: Chunking, name: string) {
    const [{ prefix } = assert.fail()] = chunking.task.collections;
    return {
      source: await test.emulator.statObject(test.sourceBucket, prefix + name),
      destination: await test.emulator.statObject(test.destinationBucket, prefix + name),
    };
  }
});
