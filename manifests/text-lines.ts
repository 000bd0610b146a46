import { isUtf8 } from 'node:buffer';

/** A line, counted from 1 as editors do, empty ones included. */
export type TextLine = { line: number; text: string } | { line: number; problem: string };

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The lines of a UTF-8 text, without their ends (LF or CRLF; the last one may have none) and without a byte order mark.
 * Empty lines are left out. A line that is too long or no UTF-8 is a problem of its own; the others are not touched by
 * it. Holds one line at most.
 */
export async function* readTextLines(bytes: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<TextLine> {
  const begun = new BegunLine(maxLineBytes);
  let line = 1;
  for await (const piece of bytes) {
    let start = 0;
    const skipEmpty = () => {
      const empty = emptyLinesAt(piece, start);
      line += empty.lines;
      start = empty.end;
    };
    if (begun.isEmpty) skipEmpty();
    for (let end = piece.indexOf(LINE_FEED, start); end !== -1; end = piece.indexOf(LINE_FEED, start)) {
      const whole = begun.finish(piece.subarray(start, end));
      const read = decode(whole, line, maxLineBytes);
      if (read !== undefined) yield read;
      line += 1;
      start = end + 1;
      skipEmpty();
    }
    begun.add(piece.subarray(start));
  }
  const read = decode(begun.finish(new Uint8Array()), line, maxLineBytes);
  if (read !== undefined) yield read;
}

/** How many empty lines are there in a row, and where they end: a text may be nothing else, by the billion. */
function emptyLinesAt(bytes: Uint8Array, begin: number): { lines: number; end: number } {
  let [lines, end] = [0, begin];
  for (;;) {
    const ending = bytes[end] === CARRIAGE_RETURN ? end + 1 : end;
    if (bytes[ending] !== LINE_FEED) return { lines, end };
    end = ending + 1;
    lines += 1;
  }
}

/** What has come of a line whose end has not; no more of it than shows that it is too long. */
class BegunLine {
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(maxLineBytes: number) {
    // A carriage return at the end does not count, and a byte order mark may stand in front.
    this.#limit = maxLineBytes + BYTE_ORDER_MARK.length + 2;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(piece: Uint8Array): void {
    const kept = piece.subarray(0, this.#limit - this.#length);
    if (kept.length === 0) return;
    // A copy: the piece it is part of may be much larger.
    this.#pieces.push(Uint8Array.from(kept));
    this.#length += kept.length;
  }

  finish(rest: Uint8Array): Uint8Array {
    if (this.isEmpty) return rest;
    this.add(rest);
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return whole;
  }
}

function decode(bytes: Uint8Array, line: number, maxLineBytes: number): TextLine | undefined {
  let buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (line === 1 && buffer.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) {
    buffer = buffer.subarray(BYTE_ORDER_MARK.length);
  }
  if (buffer.at(-1) === CARRIAGE_RETURN) buffer = buffer.subarray(0, -1);
  if (buffer.length === 0) return undefined;
  if (buffer.length > maxLineBytes) return { line, problem: `is longer than ${maxLineBytes} bytes` };
  if (!isUtf8(buffer)) return { line, problem: 'is no UTF-8' };
  return { line, text: buffer.toString('utf8') };
}
