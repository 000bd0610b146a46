import assert from 'node:assert/strict';
import { fileNameProblem, objectNameProblem, utf8Length } from '../../contract/file-name.ts';

describe('the length of a text in UTF-8', () => {
  for (const text of ['', 'a', 'ä', '€', '𝄞', 'aä€𝄞', '\u0000', '\u07ff\u0800\uffff', '👩‍👩‍👧', 'e\u0301']) {
    it(`is what an encoder makes of ${JSON.stringify(text)}`, () => {
      assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
    });
  }
});

describe('a file name', () => {
  const good = [
    'a',
    'example_image.jpg',
    'folder/file',
    '/leading',
    'trailing/',
    'a//b',
    '/',
    '...',
    '.hidden',
    'a/..b/c.',
    'with space',
    ' ',
    '#?%&+=',
    '%2e%2e',
    '..%2f',
    '*[a]?',
    'tab\there',
    'bell\u0007',
    'line\u2028separator',
    '\ufeff',
    'ä€𝄞',
    '文件',
    'نص',
    '\\',
    '.well-known/acme-challenge',
    'x/.well-known/acme-challenge/y',
    '.well-known/other',
    'x'.repeat(1_024),
    'ä'.repeat(512),
    '𝄞'.repeat(256),
  ];
  for (const name of good) {
    it(`may be ${shown(name)}`, () => {
      assert.equal(fileNameProblem(name), undefined);
    });
  }

  const bad: [name: string, problem: RegExp][] = [
    ['', /empty/],
    ['a\rb', /carriage return/],
    ['a\nb', /line feed/],
    ['a\0b', /NUL/],
    ['\ud83d', /lone surrogate/],
    ['a\udc00b', /lone surrogate/],
    ['\udc00\ud83d', /lone surrogate/],
    ['.', /path segment/],
    ['..', /path segment/],
    ['./a', /path segment/],
    ['a/./b', /path segment/],
    ['a/..', /path segment/],
    ['../a', /path segment/],
    ['a//../b', /path segment/],
    ['.well-known/acme-challenge/', /acme-challenge/],
    ['.well-known/acme-challenge/token', /acme-challenge/],
    ['x'.repeat(1_025), /at most 1024 UTF-8 bytes, but is 1025/],
    [`${'ä'.repeat(512)}x`, /but is 1025/],
    [`${'𝄞'.repeat(256)}x`, /but is 1025/],
  ];
  for (const [name, problem] of bad) {
    it(`may not be ${shown(name)}`, () => {
      assert.match(fileNameProblem(name) ?? 'no problem', problem);
    });
  }

  it('is not normalised: composed and decomposed are two names of different length', () => {
    const composed = 'é'.normalize('NFC').repeat(512);
    const decomposed = composed.normalize('NFD');
    assert.equal(fileNameProblem(composed), undefined);
    assert.match(fileNameProblem(decomposed) ?? 'no problem', /but is 1536/);
  });
});

describe("an object's name", () => {
  it('is as long as prefix and file name together', () => {
    assert.equal(objectNameProblem('ä'.repeat(10), 'x'.repeat(1_004)), undefined);
    assert.match(
      objectNameProblem('ä'.repeat(10), 'x'.repeat(1_005)) ?? 'no problem',
      /at most 1024 UTF-8 bytes together with the collection's prefix, but is 1025/,
    );
  });

  it('may not become bad where both are put together', () => {
    assert.match(objectNameProblem('.well-known/', 'acme-challenge/x') ?? '', /acme-challenge.*collection's prefix/);
    assert.match(objectNameProblem('a/.', './b') ?? '', /path segment.*collection's prefix/);
    assert.equal(objectNameProblem('a/', 'b'), undefined);
    assert.equal(objectNameProblem('', 'b'), undefined);
  });
});

/** A name short enough for the title of a test. */
function shown(name: string): string {
  return name.length > 40 ? `${JSON.stringify(name.slice(0, 2))}… of ${utf8Length(name)} bytes` : JSON.stringify(name);
}
