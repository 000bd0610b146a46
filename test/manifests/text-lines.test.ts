import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readTextLines, type TextLine } from '../../manifests/text-lines.ts';
import { cuts, inPieces } from './support.ts';

const LIMIT = 20;

const read = (content: Uint8Array | string, at: readonly number[] = []): Promise<TextLine[]> =>
  Array.fromAsync(readTextLines(inPieces(content, at), LIMIT));

describe('lines of a text', () => {
  it('are what splitting the whole text gives, wherever it is cut into pieces', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: LIMIT * 2 }),
      fc.stringMatching(/^[ab\r]{0,30}$/),
      fc.constant(''),
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 10 }), fc.constantFrom('\n', '\r\n'))
      .map(([lines, end]) => lines.join(end));
    await fc.assert(
      fc.asyncProperty(text, cuts, async (content, at) => {
        const naive = content
          .replace(/^\ufeff/, '')
          .split('\n')
          .map((whole, index) => ({ line: index + 1, text: whole.replace(/\r$/, '') }))
          .filter((one) => one.text !== '')
          .map((one) =>
            Buffer.byteLength(one.text) > LIMIT ? { line: one.line, problem: `is longer than ${LIMIT} bytes` } : one,
          );
        assert.deepEqual(await read(content, at), naive);
      }),
      { numRuns: 500 },
    );
  });

  it('may end with LF or CRLF, the last one with nothing', async () => {
    for (const text of ['a\nb', 'a\nb\n', 'a\r\nb', 'a\r\nb\r\n']) {
      assert.deepEqual(await read(text), [
        { line: 1, text: 'a' },
        { line: 2, text: 'b' },
      ]);
    }
  });

  it('are counted with the empty ones, which are left out', async () => {
    assert.deepEqual(await read('\n\r\na\n\n\nb'), [
      { line: 3, text: 'a' },
      { line: 6, text: 'b' },
    ]);
  });

  it('begin behind a byte order mark, which is one in the first line only', async () => {
    assert.deepEqual(await read('\ufeffa\n\ufeffb', [1, 2]), [
      { line: 1, text: 'a' },
      { line: 2, text: '\ufeffb' },
    ]);
  });

  it('may be of the longest length whatever ends them', async () => {
    const longest = 'x'.repeat(LIMIT);
    for (const at of [[], [3, 5], [LIMIT], [LIMIT + 1]]) {
      const lines = await read(`\ufeff${longest}\r\n${longest}\n${longest}`, at);
      assert.deepEqual(
        lines,
        [1, 2, 3].map((line) => ({ line, text: longest })),
      );
    }
  });

  it('that are too long or no UTF-8 touch no other line', async () => {
    const content = Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a]), Buffer.from(`${'x'.repeat(90)}\nb`)]);
    assert.deepEqual(await read(content, [7, 30, 60]), [
      { line: 1, text: 'a' },
      { line: 2, problem: 'is no UTF-8' },
      { line: 3, problem: 'is longer than 20 bytes' },
      { line: 4, text: 'b' },
    ]);
  });
});
