import { inTime } from '../../storage/in-time.ts';
import { HttpError, invalidRequest } from '../http-error.ts';
import { TEXTS } from '../texts.ts';

/** Refuses (415, RFC 9110 section 15.5.16) whatever is not declared as plain JSON in UTF-8 (RFC 8259 section 8.1). */
export function requireJson(headers: Headers): void {
  const [mediaType = '', ...parameters] = (headers.get('content-type') ?? '').split(';');
  const isJson = mediaType.trim().toLowerCase() === 'application/json';
  const isUtf8 = parameters
    .map((parameter) => parameter.trim().toLowerCase())
    .filter((parameter) => parameter.startsWith('charset='))
    .every((parameter) => /^charset="?utf-?8"?$/.test(parameter));
  const isPlain = (headers.get('content-encoding') ?? 'identity').trim().toLowerCase() === 'identity';
  if (isJson && isUtf8 && isPlain) return;
  throw new HttpError(415, TEXTS.unsupportedMediaType, { headers: { accept: 'application/json' } });
}

/** How much of a body is taken, and how slowly. */
export interface BodyLimits {
  maxBytes: number;
  /** The longest wait for more of it, or for all of a short one, and the longest time in all, in milliseconds. */
  idleMs: number;
  totalMs: number;
}

/**
 * A body that says that it is no longer is read at one go: a stream takes half a millisecond more. Any line is fast enough
 * to carry it within the wait for more of a body.
 */
const SHORT_BODY_BYTES = 4 * 1_024;

/** Requests whose bodies were given up before their end. */
const halfRead = new WeakSet<Request>();

/** Whether a request's body was begun to be read, and given up before its end. */
export function isHalfRead(request: Request): boolean {
  return halfRead.has(request);
}

/**
 * A request's body as it comes, a short one at one go. Throws HttpError 413 past the limit (at once where content-length says so), 408 where
 * it takes too long, 400 where it breaks off. What is not read is not waited for.
 */
export async function* bodyChunks(
  request: Request,
  { maxBytes, idleMs, totalMs }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  const declared = Number(request.headers.get('content-length') ?? Number.NaN);
  if (declared > maxBytes) throw new HttpError(413, TEXTS.tooLarge);
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let isRead = false;
  try {
    if (declared <= SHORT_BODY_BYTES) {
      const body = await read(request.arrayBuffer(), idleMs);
      isRead = true;
      if (body.byteLength > 0) yield new Uint8Array(body);
      return;
    }
    reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
    isRead = reader === undefined;
    const deadline = performance.now() + totalMs;
    let length = 0;
    while (reader !== undefined) {
      const { value } = await read(reader.read(), Math.min(idleMs, deadline - performance.now()));
      isRead = value === undefined;
      if (value === undefined) return;
      length += value.byteLength;
      if (length > maxBytes) throw new HttpError(413, TEXTS.tooLarge);
      yield value;
    }
  } finally {
    if (!isRead) {
      halfRead.add(request);
      // Of a body that has failed there is nothing left to cancel.
      await reader?.cancel().catch(() => undefined);
    }
  }
}

/** What a read gives. Throws 408 where it takes too long, 400 where it fails. */
async function read<T>(reading: Promise<T>, timeoutMs: number): Promise<T> {
  const whole = reading.catch(() => {
    throw invalidRequest([{ path: '', message: 'broke off before its end' }]);
  });
  return await inTime(whole, timeoutMs, () => new HttpError(408, TEXTS.tooSlow));
}

export type ParsedJson = { ok: true; value: unknown } | { ok: false; problem: string };

/** Reads a body as JSON text in UTF-8. Never throws: a body that is neither is a mistake of the request. */
export function parseJson(body: Uint8Array): ParsedJson {
  if (body.byteLength === 0) return { ok: false, problem: 'must be a JSON object, but the body is empty' };
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return { ok: false, problem: 'must be UTF-8' };
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `must be JSON: ${(error as SyntaxError).message}` };
  }
}
