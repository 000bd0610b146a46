import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What reading a manifest may take beside what a process has anyway, in MiB: whatever is in it. */
const MOST_MIB = 96;

/** What was read, and by how much the process had grown at most. */
interface Reading {
  lines: number;
  problems: Record<string, number>;
  error?: string;
  grownMib: number;
}

/** Reads a manifest in a process of its own, whose memory holds nothing else. */
async function read(kind: string): Promise<Reading> {
  const script = join(import.meta.dirname, 'read-hostile.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-semi-space-size=2', script, kind]);
  return JSON.parse(stdout) as Reading;
}

describe('a hostile manifest is read within bounded memory', function () {
  this.timeout(120_000);

  for (const [what, kind, expected] of [
    ['a line of 64 MiB', 'long line', { lines: 3, problems: { 'is longer than 16384 bytes': 1 } }],
    ['a line of 64 MiB without an end', 'endless line', { lines: 2, problems: { 'is longer than 16384 bytes': 1 } }],
    [
      'a quote that is not closed for 100 MB',
      'quote on one line',
      { lines: 2, problems: { 'is longer than 16384 bytes': 1 } },
    ],
    [
      'a quote that is not closed, and 100 MB of lines after it',
      'quote over lines',
      { lines: 1_000_002, problems: { 'has a quote that is not closed': 1 } },
    ],
    [
      'two thousand lines that are nested as deep as they can be',
      'nested',
      { lines: 2_000, problems: { 'has an unknown field "x"': 2_000 } },
    ],
  ] as const) {
    it(what, async () => {
      const { lines, problems, error, grownMib } = await read(kind);
      assert.equal(error, undefined);
      assert.deepEqual({ lines, problems }, expected);
      assert.ok(grownMib < MOST_MIB, `${grownMib} MiB`);
    });
  }

  it('a gzip that becomes 4 GiB: it is refused long before', async () => {
    const { error, grownMib } = await read('bomb');
    assert.match(error ?? '', /expands to more than 300 times its size/);
    assert.ok(grownMib < MOST_MIB, `${grownMib} MiB`);
  });

  it('a million lines with one destination: each but the first is told which one has it', async () => {
    const { lines, problems, grownMib } = await read('duplicates');
    assert.deepEqual(
      [lines, problems],
      [1_000_000, { 'destinationFileName is already the destination of line 2': 999_999 }],
    );
    assert.ok(grownMib < MOST_MIB, `${grownMib} MiB`);
  });
});
