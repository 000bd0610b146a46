import {
  ENTRY_FIELDS,
  OPTIONAL_FIELD,
  toEntryLine,
  unreadableLine,
  type EntryField,
  type EntryLine,
} from './file-entry.ts';
import { ManifestError } from './manifest-error.ts';
import type { TextLine } from './text-lines.ts';

/**
 * Entries of CSV as RFC 4180 has it, below a header that names the columns. No file name holds a line break, so every
 * record is one line: a quote that is never closed spoils its own line, not all that follow. Throws ManifestError for a
 * header that is missing or wrong.
 */
export async function* readCsv(lines: AsyncIterable<TextLine>): AsyncGenerator<EntryLine> {
  let columns: EntryField[] | undefined;
  for await (const read of lines) {
    if (columns === undefined) columns = readHeader(read);
    else if ('problem' in read) yield unreadableLine(read.line, read.problem);
    else yield parseLine(read.line, read.text, columns);
  }
  if (columns === undefined) throw new ManifestError('is empty, but has to begin with a header');
}

function readHeader(read: TextLine): EntryField[] {
  const names = 'problem' in read ? read : splitRecord(read.text);
  if ('problem' in names) throw new ManifestError(`has a header that cannot be read: it ${names.problem}`);
  const columns = names.fields.map((name) => {
    const column = ENTRY_FIELDS.find((field) => field === name);
    if (column !== undefined) return column;
    throw new ManifestError(
      `has an unknown column ${JSON.stringify(name.slice(0, 100))} in its header: there may be ${ENTRY_FIELDS.join(', ')}`,
    );
  });
  for (const field of ENTRY_FIELDS) {
    const times = columns.filter((column) => column === field).length;
    if (times > 1) throw new ManifestError(`has the column ${field} more than once in its header`);
    if (times === 0 && field !== OPTIONAL_FIELD) throw new ManifestError(`has no column ${field} in its header`);
  }
  return columns;
}

function parseLine(line: number, text: string, columns: readonly EntryField[]): EntryLine {
  const record = splitRecord(text);
  if ('problem' in record) return unreadableLine(line, record.problem);
  const { fields } = record;
  if (fields.length !== columns.length) {
    return unreadableLine(line, `has ${fields.length} fields, but the header has ${columns.length}`);
  }
  const named: Partial<Record<EntryField, string>> = {};
  for (const [index, column] of columns.entries()) {
    const field = fields[index];
    // CSV has no way to leave a field out.
    if (field !== undefined && (field !== '' || column !== OPTIONAL_FIELD)) named[column] = field;
  }
  return toEntryLine(line, named);
}

type SplitRecord = { fields: string[] } | { problem: string };

/** The fields of one record: separated by commas, in quotes where they hold commas or (doubled) quotes. */
function splitRecord(text: string): SplitRecord {
  if (!text.includes('"')) return { fields: text.split(',') };
  const fields: string[] = [];
  let start = 0;
  for (;;) {
    const isQuoted = text[start] === '"';
    const end = isQuoted ? closingQuote(text, start) + 1 : endOfPlain(text, start);
    if (isQuoted && end === 0) return { problem: 'has a quote that is not closed' };
    const field = isQuoted ? text.slice(start + 1, end - 1).replaceAll('""', '"') : text.slice(start, end);
    if (!isQuoted && field.includes('"')) return { problem: 'has a quote inside a field that is not quoted' };
    if (end < text.length && text[end] !== ',') return { problem: 'has text behind a closing quote' };
    fields.push(field);
    if (end >= text.length) return { fields };
    start = end + 1;
  }
}

/** Where the quoted field that starts here is closed; -1 where it is not. */
function closingQuote(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
  return quote;
}

function endOfPlain(text: string, start: number): number {
  const comma = text.indexOf(',', start);
  return comma === -1 ? text.length : comma;
}
