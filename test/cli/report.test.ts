import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../../cli/exit-codes.ts';
import { ID } from './jobs.ts';
import { cli, scriptedApi } from './support.ts';

const ROWS = '{"fileName":"a"}\n{"fileName":"b"}\n';

describe('a report', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apollo-report-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Writes the report of a job to a file in the folder, of which the API sends what is given. */
  async function report(file: string, headers: Record<string, string> = {}) {
    const api = await scriptedApi(() => ({
      body: ROWS,
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    }));
    try {
      return await cli(['report', ID, '-o', join(folder, file)], { env: api.env });
    } finally {
      await api.close();
    }
  }

  it('is a file once it is whole', async () => {
    const { code, stderr } = await report('report.ndjson');
    assert.deepEqual([code, stderr], [EXIT.done, '']);
    assert.equal(await readFile(join(folder, 'report.ndjson'), 'utf8'), ROWS);
    assert.deepEqual(await readdir(folder), ['report.ndjson']);
  });

  it('is explained by its help: CSV is for spreadsheets, ndjson for programs', async () => {
    const { stdout } = await cli(['report', '--help']);
    const words = stdout.replaceAll(/\s+/g, ' ');
    assert.match(words, /In CSV, a text that a spreadsheet would take for a formula has an apostrophe in front/);
    assert.match(words, /programs take ndjson, which has every value to the letter/);
  });

  it('is no file where it breaks off, which is not for the file’s sake', async () => {
    const { code, stderr } = await report('report.ndjson', { 'content-length': '1000', connection: 'close' });
    assert.deepEqual(
      [code, stderr],
      [EXIT.unreachable, 'apollo: the report broke off: what came of it is not whole\n'],
    );
    assert.deepEqual(await readdir(folder), []);
  });

  it('is refused a place that there is not', async () => {
    const { code, stderr } = await report('no/such/folder/report.ndjson');
    assert.equal(code, EXIT.usage);
    assert.match(stderr, /^apollo: \S+report\.ndjson cannot be written: ENOENT/);
  });
});
