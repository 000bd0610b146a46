import assert from 'node:assert/strict';
import type { CopyAnswer } from '../../api/jobs/job-service.ts';
import { assertAnswer, assertMistakes, copyBody, setUp } from './support.ts';

const MANIFEST = { collectionId: 'lists', fileName: '2026/march.ndjson' };
const COLLECTION = { sourceCollectionId: 'originals', destinationCollectionId: 'copies', prefix: '2026/' };

describe('a copy request that names where its files stand', () => {
  const sources: [what: string, body: object, bulk: object][] = [
    ['a manifest', { manifest: MANIFEST }, { kind: 'manifest', ...MANIFEST }],
    ['a prefix', { collection: COLLECTION }, { kind: 'collection', ...COLLECTION }],
    [
      'a whole collection',
      { collection: { ...COLLECTION, prefix: '' } },
      { kind: 'collection', ...COLLECTION, prefix: '' },
    ],
  ];
  for (const [what, body, bulk] of sources) {
    it(`takes ${what}, with options, and says that the number of files is pending`, async () => {
      const { copy, calls } = setUp();
      const response = await copy({ ...body, options: { priority: 2, maxFilesPerSecond: 0.5 } });
      const data = (await assertAnswer(response, 200)) as Record<string, string>;
      assert.equal(data.Message, 'Number of file copy requests:pending');
      const [call] = calls;
      assert.ok(call?.[0] === 'copy');
      assert.deepEqual(call[1].request, {
        bulk,
        options: { overwrite: 'always', onLocked: 'reject', priority: 2, dryRun: false, maxFilesPerSecond: 0.5 },
      });
      assert.match(call[1].digest, /^[0-9a-f]{64}$/);
    });
  }

  it('says how many files a manifest has where that is known by then', async () => {
    const answer: CopyAnswer = { kind: 'decided', requested: 70_000, admission: { decision: 'accepted' } };
    const { copy } = setUp({ jobs: { copy: () => Promise.resolve(answer) } });
    const data = (await assertAnswer(await copy({ manifest: MANIFEST }), 200)) as Record<string, string>;
    assert.equal(data.Message, 'Number of file copy requests:70000');
  });

  for (const ending of ['.ndjson', '.csv', '.ndjson.gz', '.csv.gz']) {
    it(`takes a manifest that ends in ${ending}`, async () => {
      await assertAnswer(await setUp().copy({ manifest: { ...MANIFEST, fileName: `list${ending}` } }), 200);
    });
  }

  for (const prefix of ['a', 'a/.', 'a/..b/', '..', '.well-known/', 'ü'.repeat(512)]) {
    it(`takes the prefix ${prefix.slice(0, 20)}`, async () => {
      await assertAnswer(await setUp().copy({ collection: { ...COLLECTION, prefix } }), 200);
    });
  }

  const ENDINGS = 'must end in one of .ndjson, .ndjson.gz, .csv, .csv.gz';
  const SEGMENTS = 'must not have "." or ".." as a path segment';
  const mistakes: [what: string, body: object, errors: string[]][] = [
    [
      'two sources',
      { ...copyBody(), manifest: MANIFEST },
      ['manifest: must not be given together with copyFileCollectionData'],
    ],
    [
      'three sources, each with mistakes of its own',
      { copyFileCollectionData: [], manifest: 1, collection: null },
      [
        'copyFileCollectionData: must name at least one file',
        'manifest: must not be given together with copyFileCollectionData',
        'manifest: must be an object that names a file with the list',
        'collection: must not be given together with copyFileCollectionData',
        'collection: must be an object that names two collections and a prefix',
      ],
    ],
    ['an empty manifest', { manifest: {} }, ['manifest.collectionId: is required', 'manifest.fileName: is required']],
    [
      'an unknown field of a manifest',
      { manifest: { ...MANIFEST, prefix: '' } },
      ['manifest.prefix: is not a known field'],
    ],
    [
      'a manifest of another kind',
      { manifest: { ...MANIFEST, fileName: 'list.json' } },
      [`manifest.fileName: ${ENDINGS}`],
    ],
    [
      'a manifest with a bad name',
      { manifest: { ...MANIFEST, fileName: '../list.csv' } },
      [`manifest.fileName: ${SEGMENTS}`],
    ],
    [
      'a collection without a prefix',
      { collection: { sourceCollectionId: 'a/b', destinationCollectionId: '' } },
      [
        'collection.sourceCollectionId: must not contain "/" or control characters',
        'collection.destinationCollectionId: must not be empty',
        'collection.prefix: is required',
      ],
    ],
    [
      'an unknown field of a collection',
      { collection: { ...COLLECTION, recursive: true } },
      ['collection.recursive: is not a known field'],
    ],
    [
      'a prefix with a bad segment',
      { collection: { ...COLLECTION, prefix: 'a/../b' } },
      [`collection.prefix: ${SEGMENTS}`],
    ],
    [
      'a prefix that is too long',
      { collection: { ...COLLECTION, prefix: 'p'.repeat(1025) } },
      ['collection.prefix: must be at most 1024 UTF-8 bytes, but is 1025'],
    ],
    ['a prefix that is none', { collection: { ...COLLECTION, prefix: null } }, ['collection.prefix: must be a string']],
  ];
  for (const [what, body, errors] of mistakes) {
    it(`refuses ${what}`, async () => {
      const { copy, calls } = setUp();
      await assertMistakes(await copy(body), errors);
      assert.deepEqual(calls, []);
    });
  }

  for (const rate of [0, -1, '5', null, 100_001, 0.0009, Number.MIN_VALUE]) {
    it(`refuses ${JSON.stringify(rate)} files a second`, async () => {
      const response = await setUp().copy({ ...copyBody(), options: { maxFilesPerSecond: rate } });
      await assertMistakes(response, ['options.maxFilesPerSecond: must be a number from 0.001 to 100000']);
    });
  }

  it('refuses a rate that is no finite number', async () => {
    const body = `{"manifest": ${JSON.stringify(MANIFEST)}, "options": {"maxFilesPerSecond": 1e999}}`;
    const response = await setUp().post('/apollo/files/copy', body);
    await assertMistakes(response, ['options.maxFilesPerSecond: must be a number from 0.001 to 100000']);
  });
});
