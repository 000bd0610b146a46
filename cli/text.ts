/** Control characters, marks that turn the direction of writing, and halves of characters: all that a terminal obeys. */
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/** A text from elsewhere as a terminal may be given it: file names may hold escape sequences. */
export function printable(text: string): string {
  return text.replaceAll(OBEYED, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** How many columns of a terminal a text takes at most: characters from Hangul on (U+1100) may take two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character < '\u1100' ? 1 : 2;
  return columns;
}

/** A text in at most so many columns: of one that is longer, the beginning and `…`. */
export function shortened(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let beginning = '';
  for (const character of text) {
    if (columnsOf(beginning + character) > columns - 1) break;
    beginning += character;
  }
  return `${beginning}…`;
}

/** What is said of a file; a line of a manifest that could not be read names none. */
export function fileText({ fileName, message }: { fileName: string; message: string }): string {
  return `${fileName === '' ? '' : `${printable(fileName)}: `}${printable(message)}`;
}

/** What went wrong, in one line. */
export function inOneLine(error: unknown): string {
  return printable((error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim());
}

/** `1,234`. */
export function wholeNumber(count: number): string {
  return Math.round(count).toLocaleString('en-GB');
}

/** `2 files`, `1 file`. */
export function filesText(count: number): string {
  return `${wholeNumber(count)} ${count === 1 ? 'file' : 'files'}`;
}

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** An amount of bytes: `512 B`, `4.7 kB`, `1.2 GB`; a kilobyte is 1,000 bytes. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  // What would be written as 1000.0 of a unit is 1.0 of the next one.
  const power = Math.min(Math.floor(Math.log10(bytes * 1.00005) / 3), UNITS.length);
  return `${(bytes / 1_000 ** power).toFixed(1)} ${UNITS[power - 1] ?? ''}`;
}

/** A length of time, given in milliseconds: `0.6 s`, `42 s`, `3:05`, `1:02:03` (hours). */
export function durationText(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A point in time, in UTC: `2026-03-02 09:15:00`. */
export function timeText(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** Rows with their columns aligned, but for the last one. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => Array.from(row[column] ?? '').length)),
  );
  const pad = (cell: string, width: number) => cell + ' '.repeat(Math.max(0, width - Array.from(cell).length));
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
