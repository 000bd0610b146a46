import { isWhitespace, JsonValueScanner } from './json-value-scanner.ts';

/** The body is no JSON object; the message says where it stops being one. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/**
 * A part of an object: `list` where its list begins, then each `element` of that, and every other `field`. `text` is the
 * JSON of the value; undefined where it is longer than a part may be.
 */
export type JsonPart =
  | { kind: 'list' }
  | { kind: 'element'; text: string | undefined }
  | { kind: 'field'; name: string; text: string | undefined };

/** What may come next, outside of values. */
type Place =
  'start' | 'first name' | 'name' | 'colon' | 'value' | 'comma' | 'first element' | 'element' | 'list comma' | 'end';

/** Where values and names begin: what the scanner reads there. */
const SCANNED: ReadonlySet<Place> = new Set<Place>(['first name', 'name', 'value', 'first element', 'element']);

/** A byte of punctuation, and what comes after it. */
const STEPS: Readonly<Partial<Record<Place, Readonly<Record<string, Place>>>>> = {
  start: { '{': 'first name' },
  'first name': { '}': 'end' },
  colon: { ':': 'value' },
  comma: { ',': 'name', '}': 'end' },
  'first element': { ']': 'comma' },
  'list comma': { ',': 'element', ']': 'comma' },
};

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Takes a JSON object apart as its bytes come: its fields, and one of them, a list, element by element; holds no more
 * than one part. What the parts' texts say is for JSON.parse to judge, so that a value means here what it means in a body
 * that is parsed whole.
 */
export class JsonSplitter {
  readonly #list: string;
  readonly #maxPartBytes: number;
  #place: Place = 'start';
  #scanner: JsonValueScanner | undefined;
  #name = '';
  #offset = 0;

  /** `list`: the field whose elements are parts of their own, where it is a list. */
  constructor({ list, maxPartBytes }: { list: string; maxPartBytes: number }) {
    this.#list = list;
    this.#maxPartBytes = maxPartBytes;
  }

  /** The parts that end in the next chunk. Throws JsonError. */
  *push(chunk: Uint8Array): Generator<JsonPart> {
    for (let at = 0; at < chunk.length;) {
      if (this.#scanner === undefined) {
        const byte = chunk[at] as number;
        if (isWhitespace(byte)) at += 1;
        else if (this.#isByteOrderMark(byte, this.#offset + at)) at += 1;
        else if (this.#step(byte)) {
          if (byte === 0x5b && this.#place === 'first element') yield { kind: 'list' };
          at += 1;
        } else if (SCANNED.has(this.#place)) this.#scanner = this.#begin(byte, this.#offset + at);
        else throw unexpected(byte, this.#offset + at);
        continue;
      }
      const end = this.#scanner.scan(chunk, at);
      if (end === undefined) break;
      const part = this.#endOfPart(this.#scanner);
      this.#scanner = undefined;
      if (part !== undefined) yield part;
      at = end;
    }
    this.#offset += chunk.length;
  }

  /** To be called at the end of the bytes. Throws JsonError where the object has not ended. */
  finish(): void {
    if (this.#place !== 'end') throw new JsonError('must be JSON: ends too early');
  }

  /** Takes a byte of punctuation; false where it is none that may stand here. */
  #step(byte: number): boolean {
    const isList = this.#place === 'value' && byte === 0x5b && this.#name === this.#list;
    const next = isList ? 'first element' : STEPS[this.#place]?.[String.fromCharCode(byte)];
    if (next === undefined) return false;
    this.#place = next;
    return true;
  }

  #begin(byte: number, offset: number): JsonValueScanner {
    const isName = this.#place === 'first name' || this.#place === 'name';
    // What cannot begin a value must not be taken for the end of one.
    if ((isName && byte !== 0x22) || ',:]}'.includes(String.fromCharCode(byte))) throw unexpected(byte, offset);
    return new JsonValueScanner(this.#maxPartBytes);
  }

  #endOfPart(scanner: JsonValueScanner): JsonPart | undefined {
    const text = textOf(scanner);
    switch (this.#place) {
      case 'value':
        this.#place = 'comma';
        return { kind: 'field', name: this.#name, text };
      case 'first element':
      case 'element':
        this.#place = 'list comma';
        return { kind: 'element', text };
      default:
        if (text === undefined) throw new JsonError('has a field whose name is too long');
        this.#name = parseText(text) as string;
        this.#place = 'colon';
        return undefined;
    }
  }

  #isByteOrderMark(byte: number, offset: number): boolean {
    return this.#place === 'start' && BYTE_ORDER_MARK[offset] === byte;
  }
}

/** What a part's text says. Throws JsonError. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonError(`must be JSON: ${(error as SyntaxError).message}`);
  }
}

function textOf(scanner: JsonValueScanner): string | undefined {
  try {
    return scanner.text();
  } catch {
    throw new JsonError('must be UTF-8');
  }
}

function unexpected(byte: number, offset: number): JsonError {
  const found = byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`;
  return new JsonError(`must be JSON: unexpected ${found} at byte ${offset}`);
}
