import { toEntryLine, unreadableLine, type EntryLine } from './file-entry.ts';
import type { TextLine } from './text-lines.ts';

/** Entries of NDJSON: an object a line. */
export async function* readNdjson(lines: AsyncIterable<TextLine>): AsyncGenerator<EntryLine> {
  for await (const read of lines) {
    if ('problem' in read) yield unreadableLine(read.line, read.problem);
    else if (read.text.trim() !== '') yield parseLine(read.line, read.text);
  }
}

function parseLine(line: number, text: string): EntryLine {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return unreadableLine(line, 'is no JSON');
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return unreadableLine(line, 'is no JSON object');
  }
  return toEntryLine(line, record as Record<string, unknown>);
}
