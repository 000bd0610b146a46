import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { GZIP_ALLOWANCE_BYTES, MAX_GZIP_RATIO, MAX_MANIFEST_LINE_BYTES } from '../../contract/limits.ts';
import { ManifestError } from '../../manifests/manifest-error.ts';
import { readManifest } from '../../manifests/read-manifest.ts';
import { inPieces, problems, readAll } from './support.ts';

const MEBIBYTE = 1024 * 1024;
/** What a bomb becomes: about a thousand times its size, and more than the allowance for small files. */
const BOMB_BYTES = 4 * MEBIBYTE;
const HEADER = 'sourceCollectionId,destinationCollectionId,fileName\n';
const SYNTAXES = ['csv', 'ndjson'] as const;

const fieldsOf = (more: string) =>
  `{"sourceCollectionId": "a", "destinationCollectionId": "b", "fileName": "c"${more}}`;

/** Reads what is compressed, and gives how many lines came before the end. */
async function read(content: Uint8Array, syntax: (typeof SYNTAXES)[number]) {
  let lines = 0;
  const whole = (async () => {
    for await (const line of readManifest(inPieces(content, [10_000, 20_000]), { syntax, gzip: true })) {
      lines += Number(line.line > 0);
    }
  })();
  const error = await whole.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { lines, error };
}

describe('a decompression bomb', () => {
  const bombs: [what: string, content: Buffer][] = [
    ['one endless line', gzipSync(Buffer.alloc(BOMB_BYTES, 'x'))],
    ['nothing but ends of lines', gzipSync(Buffer.alloc(BOMB_BYTES, '\n'))],
    ['short lines', gzipSync(Buffer.alloc(BOMB_BYTES, `{}${' '.repeat(13)}\n`))],
    ['many parts, each a small bomb', Buffer.concat(Array<Buffer>(4).fill(gzipSync(Buffer.alloc(MEBIBYTE, 'x'))))],
  ];
  for (const [what, content] of bombs) {
    for (const syntax of SYNTAXES) {
      it(`is refused as a whole, long before its end: ${what}, as ${syntax}`, async () => {
        const { lines, error } = await read(Buffer.concat([gzipSync(HEADER), content]), syntax);
        assert.ok(error instanceof ManifestError, String(error));
        assert.match(error.message, new RegExp(`more than ${MAX_GZIP_RATIO} times its size`));
        assert.ok(lines <= (GZIP_ALLOWANCE_BYTES + content.length * MAX_GZIP_RATIO) / 2);
      });
    }
  }

  it('that is a gzip in a gzip is unpacked once: what is in it is no line', async () => {
    const inner = gzipSync(Buffer.alloc(BOMB_BYTES, 'x'));
    const { lines, error } = await read(gzipSync(inner), 'ndjson');
    assert.equal(error, undefined);
    assert.ok(lines < inner.length);
    const given = await readAll(gzipSync(inner), { syntax: 'ndjson', gzip: true });
    assert.ok(given.every(({ problem }) => problem !== undefined));
  });
});

describe('a line of a manifest', () => {
  const depth = MAX_MANIFEST_LINE_BYTES / 2 - 100;

  it('that is nested as deep as a line can be is a problem of its own, and the next one is read', async () => {
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const lines = await readAll([deep, fieldsOf(`, "x": ${deep.slice(200, -200)}`), fieldsOf('')].join('\n'));
    assert.deepEqual(problems(lines), [
      [1, 'is no JSON object'],
      [2, 'has an unknown field "x"'],
      [3, undefined],
    ]);
  });

  it('pollutes nothing, and inherits nothing', async () => {
    const polluted = '{"polluted": true}';
    const inherited = `{"__proto__": ${fieldsOf('')}}`;
    const lines = await readAll(
      [
        fieldsOf(`, "__proto__": ${polluted}`),
        fieldsOf(`, "constructor": {"prototype": ${polluted}}`),
        fieldsOf(', "toString": "x"'),
        inherited,
      ].join('\n'),
    );
    assert.deepEqual(problems(lines), [
      [1, 'has an unknown field "__proto__"'],
      [2, 'has an unknown field "constructor"'],
      [3, 'has an unknown field "toString"'],
      [4, 'has an unknown field "__proto__"'],
    ]);
    assert.equal('polluted' in {}, false);
  });

  it('names no column that objects have by themselves', async () => {
    for (const column of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const header = `sourceCollectionId,destinationCollectionId,fileName,${column}\n`;
      await assert.rejects(readAll(`${header}a,b,c,d\n`, { syntax: 'csv' }), /has an unknown column/);
    }
  });
});
