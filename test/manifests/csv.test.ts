import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { ManifestError } from '../../manifests/manifest-error.ts';
import { cuts, entry, fileEntry, problems, readAll } from './support.ts';

const HEADER = 'sourceCollectionId,destinationCollectionId,fileName,destinationFileName';

const read = (text: string) => readAll(text, { syntax: 'csv' });

describe('a CSV manifest', () => {
  it('comes back as a CSV writer wrote it, columns in any order, wherever it is cut into pieces', async () => {
    const columns = fc.shuffledSubarray(HEADER.split(','), { minLength: 4 });
    const style = fc.record({
      quoted: fc.boolean(),
      bom: fc.boolean(),
      record_delimiter: fc.constantFrom('\n', '\r\n'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fileEntry, { maxLength: 8 }),
        columns,
        style,
        cuts,
        async (entries, order, options, at) => {
          const text = stringify(entries, { columns: order, header: true, ...options });
          const expected = entries.map((one, index) => ({ line: index + 2, entry: one }));
          assert.deepEqual(await readAll(text, { syntax: 'csv' }, at), expected);
          assert.deepEqual(await readAll(gzipSync(text), { syntax: 'csv', gzip: true }, at), expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('may leave the destination name to the file name, by column or by field', async () => {
    assert.deepEqual(await read('fileName,sourceCollectionId,destinationCollectionId\nf,a,b'), [
      { line: 2, entry: entry('f') },
    ]);
    assert.deepEqual(await read(`${HEADER}\na,b,f,\na,b,g,""`), [
      { line: 2, entry: entry('f') },
      { line: 3, entry: entry('g') },
    ]);
  });

  it('may have no more than a header', async () => {
    assert.deepEqual(await read(HEADER), []);
  });

  const wrong: [line: string, problem: string][] = [
    ['a,b', 'has 2 fields, but the header has 4'],
    ['a,b,f,g,h', 'has 5 fields, but the header has 4'],
    ['a,b,"f,g', 'has a quote that is not closed'],
    ['"', 'has a quote that is not closed'],
    ['a,b,"f"g,h', 'has text behind a closing quote'],
    ['a,b,f"g",h', 'has a quote inside a field that is not quoted'],
    [',b,f,g', 'sourceCollectionId must not be empty'],
    ['a,b,,g', 'fileName must not be empty'],
    ['a,b,./f,g', 'fileName must not have "." or ".." as a path segment'],
  ];
  for (const [line, problem] of wrong) {
    it(`says of the line ${line} that it ${problem}, and goes on`, async () => {
      assert.deepEqual(problems(await read(`${HEADER}\na,b,c,d\n${line}\na,b,e,f`)), [
        [2, undefined],
        [3, problem],
        [4, undefined],
      ]);
    });
  }

  it('counts a quoted line break as what no file name has: both of its lines are wrong, no other', async () => {
    assert.deepEqual(problems(await read(`${HEADER}\na,b,"f\ng",h\na,b,e,f`)), [
      [2, 'has a quote that is not closed'],
      [3, 'has a quote inside a field that is not quoted'],
      [4, undefined],
    ]);
  });

  const headers: [text: string, problem: RegExp][] = [
    ['', /^is empty/],
    ['\n\n', /^is empty/],
    ['a,b,f,g', /unknown column "a"/],
    [`${HEADER},size`, /unknown column "size"/],
    [HEADER.replaceAll(',', ';'), /unknown column "sourceCollectionId;/],
    [HEADER.toUpperCase(), /unknown column/],
    ['sourceCollectionId,fileName', /no column destinationCollectionId/],
    [`${HEADER},fileName`, /column fileName more than once/],
    ['"sourceCollectionId', /header that cannot be read: it has a quote that is not closed/],
    ['\ufffe'.repeat(9_000), /header that cannot be read: it is longer/],
  ];
  for (const [text, problem] of headers) {
    it(`is refused as a whole with the header ${JSON.stringify(text.slice(0, 40))}`, async () => {
      await assert.rejects(read(text), (error) => error instanceof ManifestError && problem.test(error.message));
    });
  }
});
