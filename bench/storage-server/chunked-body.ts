/** A body that comes in chunks (RFC 9112, section 7.1), put together as they come. Trailers are not expected. */
export class ChunkedBody {
  readonly #chunks: Buffer[] = [];

  /** Takes the whole chunks at the start of some bytes; what is left belongs to the next one, or to the next request. */
  take(bytes: Buffer): { rest: Buffer; isComplete: boolean } {
    for (let at = 0; ;) {
      const lineEnd = bytes.indexOf('\r\n', at);
      if (lineEnd < 0) return { rest: bytes.subarray(at), isComplete: false };
      const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
      const end = lineEnd + 2 + size + 2;
      if (bytes.length < end) return { rest: bytes.subarray(at), isComplete: false };
      if (size === 0) return { rest: bytes.subarray(end), isComplete: true };
      this.#chunks.push(bytes.subarray(lineEnd + 2, end - 2));
      at = end;
    }
  }

  /** Everything taken so far. */
  content(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
