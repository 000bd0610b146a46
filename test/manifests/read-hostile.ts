/**
 * Reads a hostile manifest, as it is made, and tells what came of it and how much memory that took: in a process of its
 * own, whose memory holds nothing else. The one argument says which manifest.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { ManifestRules } from '../../activities/planning/list-rules.ts';
import { MAX_MANIFEST_LINE_BYTES } from '../../contract/limits.ts';
import type { ManifestFormat } from '../../contract/manifest-format.ts';
import { readManifest } from '../../manifests/read-manifest.ts';

const MEBIBYTE = 1024 * 1024;
const HEADER = 'sourceCollectionId,destinationCollectionId,fileName\n';
const ENTRY = '{"sourceCollectionId":"a","destinationCollectionId":"b","fileName":"c"}\n';

function* times(count: number, piece: string | Buffer): Generator<Buffer> {
  const bytes = Buffer.from(piece);
  for (let made = 0; made < count; made += 1) yield Buffer.from(bytes);
}

function* repeating(lines: number, line: (number: number) => string): Generator<Buffer> {
  for (let number = 0; number < lines; number += 1_000) {
    yield Buffer.from(Array.from({ length: 1_000 }, (_, index) => line(number + index)).join(''));
  }
}

function* inTurn(...parts: Iterable<Buffer>[]): Generator<Buffer> {
  for (const part of parts) yield* part;
}

const nested = () => {
  const depth = MAX_MANIFEST_LINE_BYTES / 2 - 100;
  return ENTRY.replace('}', `,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
};

const MANIFESTS: Record<string, Partial<ManifestFormat> & { content: Iterable<Buffer> }> = {
  'long line': { content: inTurn(times(1, ENTRY), times(64, Buffer.alloc(MEBIBYTE, 'x')), times(1, `\n${ENTRY}`)) },
  'endless line': { content: inTurn(times(1, ENTRY), times(64, Buffer.alloc(MEBIBYTE, 'x'))) },
  nested: { content: times(2_000, nested()) },
  'quote on one line': {
    syntax: 'csv',
    content: inTurn(times(1, `${HEADER}a,b,"`), times(100, Buffer.alloc(MEBIBYTE, 'x')), times(1, '\na,b,c\n')),
  },
  'quote over lines': {
    syntax: 'csv',
    content: inTurn(
      times(1, `${HEADER}a,b,"c\n`),
      repeating(1_000_000, (number) => `a,b,${'c'.repeat(90)}${number}\n`),
      times(1, 'a,b,c\n'),
    ),
  },
  bomb: { gzip: true, content: times(256, gzipSync(Buffer.alloc(16 * MEBIBYTE, '\n'))) },
  duplicates: {
    syntax: 'csv',
    content: inTurn(
      times(1, HEADER.replace('\n', ',destinationFileName\n')),
      repeating(1_000_000, (number) => `a,b,${number},same\n`),
    ),
  },
};

/** The most memory that this process has had. On Linux `maxRSS` counts what its parent had as it was forked. */
function mostBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

const places = new Map(
  ['a', 'b'].map((collectionId) => [collectionId, { collectionId, bucket: collectionId, prefix: '', generation: '1' }]),
);

const { content, syntax = 'ndjson', gzip = false } = MANIFESTS[process.argv[2] ?? ''] ?? { content: [] };
const before = process.memoryUsage.rss();
const rules =
  process.argv[2] === 'duplicates' ? new ManifestRules(places, { bucket: 'lists', name: 'list' }) : undefined;
const problems: Record<string, number> = {};
let lines = 0;
let error: string | undefined;

async function* streamed(): AsyncGenerator<Buffer> {
  for (const piece of content) {
    yield piece;
    await new Promise(setImmediate);
  }
}

try {
  for await (const line of readManifest(streamed(), { syntax, gzip })) {
    lines += 1;
    const problem = rules?.judge(line)?.replace(/^.*line \d+: /, '') ?? line.problem;
    if (problem !== undefined) problems[problem] = (problems[problem] ?? 0) + 1;
  }
} catch (thrown) {
  error = String(thrown);
}
const grownMib = Math.ceil((mostBytes() - before) / MEBIBYTE);
process.stdout.write(JSON.stringify({ lines, problems, error, grownMib }));
