import assert from 'node:assert/strict';
import { manifestExtensionProblem, manifestFormat } from '../../contract/manifest-format.ts';

describe('the format of a manifest', () => {
  const known = [
    ['list.ndjson', 'ndjson', false],
    ['folder.csv/list.ndjson', 'ndjson', false],
    ['list.csv', 'csv', false],
    ['list.ndjson.gz', 'ndjson', true],
    ['list.csv.gz', 'csv', true],
    ['.csv', 'csv', false],
  ] as const;
  for (const [name, syntax, gzip] of known) {
    it(`follows from the extension of ${name}`, () => {
      assert.deepEqual(manifestFormat(name), { syntax, gzip });
      assert.equal(manifestExtensionProblem(name), undefined);
    });
  }

  for (const name of [
    'list',
    'list.json',
    'LIST.CSV',
    'list.gz',
    'list.csv.zip',
    'csv',
    'list.ndjson/',
    'list.csv.gz.txt',
  ]) {
    it(`is none for ${name}`, () => {
      assert.equal(manifestFormat(name), undefined);
      assert.match(manifestExtensionProblem(name) ?? '', /^must end in one of .ndjson, /);
    });
  }
});
