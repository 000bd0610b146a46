import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_COLLECTION_ID_LENGTH, MAX_MANIFEST_LINE_BYTES, MAX_OBJECT_NAME_BYTES } from '../../contract/limits.ts';
import { cuts, entry, fileEntry, problems, readAll } from './support.ts';

describe('an NDJSON manifest', () => {
  it('comes back as it was written, wherever it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fileEntry, { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        cuts,
        async (entries, end, at) => {
          const text = entries.map((one) => JSON.stringify(one)).join(end);
          assert.deepEqual(
            (await readAll(text, {}, at)).map((line) => ({ ...line, line: 0 })),
            entries.map((one) => ({ line: 0, entry: one })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('may leave the destination name to the file name', async () => {
    const text = '{"sourceCollectionId":"a","destinationCollectionId":"b","fileName":"f"}';
    assert.deepEqual(await readAll(text), [{ line: 1, entry: entry('f') }]);
  });

  it('may be empty', async () => {
    for (const text of ['', '\n', '\ufeff', ' \r\n\n']) assert.deepEqual(await readAll(text), []);
  });

  it('holds the longest entry there can be', async () => {
    const escaped = (length: number) => '\\u0041'.repeat(length);
    const id = escaped(MAX_COLLECTION_ID_LENGTH);
    const name = escaped(MAX_OBJECT_NAME_BYTES);
    const line = `{ "sourceCollectionId": "${id}", "destinationCollectionId": "${id}", "fileName": "${name}", "destinationFileName": "${name}" }`;
    assert.deepEqual(problems(await readAll(line)), [[1, undefined]]);
  });

  const json = (changes: object) => JSON.stringify({ ...entry('f'), ...changes });
  const wrong: [line: string, problem: string][] = [
    ['{', 'is no JSON'],
    ['[]', 'is no JSON object'],
    ['null', 'is no JSON object'],
    ['"text"', 'is no JSON object'],
    [json({ bogus: 1 }), 'has an unknown field "bogus"'],
    ['{"__proto__": {}}', 'has an unknown field "__proto__"'],
    [json({ toString: 1 }), 'has an unknown field "toString"'],
    ['{}', 'sourceCollectionId is required'],
    [json({ fileName: undefined }), 'fileName is required'],
    [json({ fileName: 7 }), 'fileName must be a string'],
    [json({ destinationFileName: null }), 'destinationFileName must be a string'],
    [json({ destinationFileName: '' }), 'destinationFileName must not be empty'],
    [json({ fileName: 'a/../b' }), 'fileName must not have "." or ".." as a path segment'],
    [json({ fileName: '\ud800' }), 'fileName must not contain a lone surrogate: it has no UTF-8 form'],
    [json({ fileName: 'ä'.repeat(600) }), 'fileName must be at most 1024 UTF-8 bytes, but is 1200'],
    [json({ sourceCollectionId: 'a/b' }), 'sourceCollectionId must not contain "/" or control characters'],
    [json({ fileName: 'x'.repeat(MAX_MANIFEST_LINE_BYTES) }), `is longer than ${MAX_MANIFEST_LINE_BYTES} bytes`],
  ];
  for (const [line, problem] of wrong) {
    it(`says of a line that it ${problem}, and goes on`, async () => {
      const lines = await readAll([json({}), line, json({})].join('\n'));
      assert.deepEqual(problems(lines), [
        [1, undefined],
        [2, problem],
        [3, undefined],
      ]);
    });
  }

  it('tells of a wrong line what could be read of it, cut and made well-formed', async () => {
    const long = 'x'.repeat(2_000);
    const lines = await readAll([json({ fileName: long, destinationFileName: '\ud800g' }), '{'].join('\n'));
    assert.deepEqual(
      lines.map((line) => line.entry),
      [
        { ...entry('x'.repeat(1_024)), destinationFileName: '\ufffdg' },
        { sourceCollectionId: '', destinationCollectionId: '', fileName: '', destinationFileName: '' },
      ],
    );
  });
});
