import { StorageError } from '../errors.ts';

/** One answer, as far as anybody asks for it. */
export interface WireAnswer {
  status: number;
  body: string;
  retryAfter: string | undefined;
}

/** An answer to a rewrite has less than a kilobyte, an error a few: what is longer is none of Cloud Storage's. */
const MAX_BYTES = 1024 * 1024;
const MAX_HEAD_BYTES = 64 * 1024;

const CR = 0x0d;
const SPACE = 0x20;

/** Where what is being read of a chunked body stands: what was read of it, and from where on it goes on. */
interface Chunked {
  parts: Buffer[];
  position: number;
}

/**
 * Reads answers off one connection, in whatever pieces they come (RFC 9112). An answer that comes in one piece, as
 * nearly all do, is neither copied nor looked at twice.
 */
export class AnswerParser {
  /** Bytes of an answer that is not whole yet; undefined: none have come. */
  #received: Buffer | undefined;
  #head: { end: number; status: number; fields: Fields } | undefined;
  #chunked: Chunked | undefined;

  /** Whether an answer has begun and is not whole. */
  get hasBegun(): boolean {
    return this.#received !== undefined;
  }

  /** Whether the connection may carry another request after the answer that was given last. */
  isKeptAlive = true;

  /**
   * Takes what has come, which may be written over afterwards; gives the answer once it is whole. Throws StorageError
   * where that is not HTTP, or more than there may be: then the connection is to be closed.
   */
  take(bytes: Buffer): WireAnswer | undefined {
    const whole = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes]);
    const answer = this.#parse(whole);
    if (answer === undefined) {
      if (whole.length > MAX_BYTES) throw malformed('the answer is too long');
      this.#received = whole === bytes ? Buffer.from(bytes) : whole;
    } else this.#reset();
    return answer;
  }

  /** The connection has ended: gives the answer whose body was to last until then, if that is what had begun. */
  end(): WireAnswer | undefined {
    const head = this.#head;
    if (head === undefined || this.#received === undefined || head.fields.length !== 'untilEnd') return undefined;
    const answer = toAnswer(head.status, this.#received.toString('utf8', head.end), head.fields);
    this.#reset();
    return answer;
  }

  #reset(): void {
    this.#received = undefined;
    this.#head = undefined;
    this.#chunked = undefined;
  }

  #parse(bytes: Buffer): WireAnswer | undefined {
    this.#head ??= this.#readHead(bytes);
    if (this.#head === undefined) return undefined;
    const { end, status, fields } = this.#head;
    this.isKeptAlive = fields.isKeptAlive;
    if (fields.length === 'untilEnd') return undefined;
    if (fields.length === 'chunked') {
      const body = this.#readChunks(bytes, end);
      return body === undefined ? undefined : toAnswer(status, body, fields);
    }
    const last = end + fields.length;
    if (bytes.length < last) return undefined;
    // What comes after an answer that nobody has asked for is no answer.
    if (bytes.length > last) this.isKeptAlive = false;
    return toAnswer(status, bytes.toString('utf8', end, last), fields);
  }

  /** Reads the head of the answer, past interim ones (1xx, RFC 9110, section 15.2). */
  #readHead(bytes: Buffer): { end: number; status: number; fields: Fields } | undefined {
    for (let start = 0; ;) {
      const blank = bytes.indexOf('\r\n\r\n', start, 'latin1');
      if (blank < 0) {
        if (bytes.length - start > MAX_HEAD_BYTES) throw malformed('the head of the answer is too long');
        return undefined;
      }
      const head = bytes.toString('latin1', start, blank + 2);
      const status = readStatus(head);
      start = blank + 4;
      if (status >= 200) return { end: start, status, fields: readFields(head, status) };
      if (status === 101) throw malformed('the connection was switched to another protocol');
    }
  }

  /** Reads the chunks of a body, from where it had come to (RFC 9112, section 7.1). */
  #readChunks(bytes: Buffer, start: number): string | undefined {
    const chunked = (this.#chunked ??= { parts: [], position: start });
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', chunked.position, 'latin1');
      if (lineEnd < 0) return undefined;
      const size = readChunkSize(bytes.toString('latin1', chunked.position, lineEnd));
      const dataStart = lineEnd + 2;
      if (size === 0) {
        // Trailer fields, if any, end with an empty line, as a head does.
        const end = bytes.indexOf('\r\n\r\n', lineEnd, 'latin1');
        if (end < 0) return undefined;
        if (bytes.length > end + 4) this.isKeptAlive = false;
        return Buffer.concat(chunked.parts).toString();
      }
      const dataEnd = dataStart + size;
      if (bytes.length < dataEnd + 2) return undefined;
      if (bytes[dataEnd] !== CR) throw malformed('a chunk of the answer is longer than it says');
      // Bytes of a read may be written over before the next one.
      chunked.parts.push(Buffer.from(bytes.subarray(dataStart, dataEnd)));
      chunked.position = dataEnd + 2;
    }
  }
}

/** What the header fields say that matters here. */
interface Fields {
  /** Bytes of the body, or how else its end is told. */
  length: number | 'chunked' | 'untilEnd';
  isKeptAlive: boolean;
  retryAfter: string | undefined;
}

function readStatus(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head);
  if (status === null) throw malformed('the answer is no HTTP/1.1');
  return Number(status[1]);
}

function readFields(head: string, status: number): Fields {
  let contentLength: number | undefined;
  let isChunked = false;
  let isKeptAlive = head.startsWith('HTTP/1.1');
  let retryAfter: string | undefined;
  for (let start = head.indexOf('\r\n') + 2; start < head.length;) {
    const end = head.indexOf('\r\n', start);
    const colon = head.indexOf(':', start);
    // Few fields matter: most lines are passed over by the length of their name.
    switch (colon < end ? colon - start : -1) {
      case 'connection'.length:
        if (nameIs('connection', head, start) && /\bclose\b/i.test(valueIn(head, colon, end))) isKeptAlive = false;
        break;
      case 'retry-after'.length:
        if (nameIs('retry-after', head, start)) retryAfter = valueIn(head, colon, end);
        break;
      case 'content-length'.length:
        if (nameIs('content-length', head, start)) {
          const value = valueIn(head, colon, end);
          const length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
          if (Number.isNaN(length) || (contentLength ?? length) !== length) throw malformed('its length is none');
          if (length > MAX_BYTES) throw malformed('the answer is too long');
          contentLength = length;
        }
        break;
      case 'transfer-encoding'.length:
        if (nameIs('transfer-encoding', head, start)) {
          if (valueIn(head, colon, end).toLowerCase() !== 'chunked')
            throw malformed('its transfer encoding is unknown');
          isChunked = true;
        }
    }
    start = end + 2;
  }
  // RFC 9112, section 6.3: an encoding goes before a length, beside which it may be an attempt to smuggle an answer in.
  if (status === 204 || status === 304) return { length: 0, isKeptAlive, retryAfter };
  if (isChunked) return { length: 'chunked', isKeptAlive: isKeptAlive && contentLength === undefined, retryAfter };
  if (contentLength === undefined) return { length: 'untilEnd', isKeptAlive: false, retryAfter };
  return { length: contentLength, isKeptAlive, retryAfter };
}

function nameIs(name: string, head: string, start: number): boolean {
  const found = head.slice(start, start + name.length);
  return found === name || found.toLowerCase() === name;
}

function valueIn(head: string, colon: number, end: number): string {
  const isUsual = head.charCodeAt(colon + 1) === SPACE;
  return head.slice(isUsual ? colon + 2 : colon + 1, end).trim();
}

function readChunkSize(line: string): number {
  const size = /^([\da-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line);
  if (size === null) throw malformed('a chunk of the answer has no size');
  const bytes = Number.parseInt(size[1] ?? '', 16);
  if (bytes > MAX_BYTES) throw malformed('the answer is too long');
  return bytes;
}

function toAnswer(status: number, body: string, { retryAfter }: Fields): WireAnswer {
  return { status, body, retryAfter };
}

function malformed(what: string): StorageError {
  return new StorageError('unavailable', `what came is no answer of Cloud Storage: ${what}`);
}
