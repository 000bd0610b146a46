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

function tooLarge(): HttpError {
  return new HttpError(413, TEXTS.tooLarge);
}

/**
 * The request's body. Throws HttpError 413 past `maxBytes`: at once where content-length says so, else as soon as that
 * much has arrived, which is all that is ever held; and 400 where the body breaks off.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  for (;;) {
    const part = await reader?.read().catch(() => {
      throw invalidRequest([{ path: '', message: 'broke off before its end' }]);
    });
    if (part?.value === undefined) return Buffer.concat(chunks, length);
    length += part.value.byteLength;
    if (length > maxBytes) {
      await reader?.cancel();
      throw tooLarge();
    }
    chunks.push(part.value);
  }
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
