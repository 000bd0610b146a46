const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether JSON allows this byte around its tokens (RFC 8259 section 2). */
export function isWhitespace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Finds where one JSON value ends in bytes that come in chunks, and keeps its text up to a bound. It only follows
 * strings and brackets: whether the text is JSON is for JSON.parse to say, which every text that matters is given to.
 */
export class JsonValueScanner {
  readonly #maxBytes: number;
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isScalar = false;
  #hasBegun = false;

  /** `maxBytes`: a longer value is skipped, without a text. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Goes on in this chunk; gives where the value ended (behind its last byte), or undefined where it has not. */
  scan(chunk: Uint8Array, from: number): number | undefined {
    const end = this.#findEnd(chunk, from);
    this.#length += (end ?? chunk.length) - from;
    if (this.#length <= this.#maxBytes) this.#parts.push(chunk.subarray(from, end));
    else this.#parts.length = 0;
    return end;
  }

  /** The value's text once it has ended; undefined where it is too long. Throws TypeError where it is not UTF-8. */
  text(): string | undefined {
    if (this.#length > this.#maxBytes) return undefined;
    const [first = new Uint8Array()] = this.#parts;
    const bytes = this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#length);
    return UTF8.decode(bytes);
  }

  #findEnd(chunk: Uint8Array, from: number): number | undefined {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          this.#isInString = false;
          if (this.#depth === 0) return at + 1;
        }
        continue;
      }
      if (this.#isScalar) {
        if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isWhitespace(byte)) return at;
        continue;
      }
      if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth += 1;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      } else if (!this.#hasBegun) this.#isScalar = true;
      this.#hasBegun = true;
    }
    return undefined;
  }
}
