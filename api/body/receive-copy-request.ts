import { MAX_BODY_BYTES, MAX_INLINE_BYTES, MAX_INLINE_ENTRIES } from '../../contract/limits.ts';
import type { RequestError } from '../../contract/messages.ts';
import { invalidRequest } from '../http-error.ts';
import { CORRELATION_ID_HEADER } from '../middleware/correlation-id.ts';
import { readBody } from './json-body.ts';
import { parseCopyRequest, type ParsedRequest } from './parse-copy-request.ts';

const TOO_LONG: RequestError = {
  path: 'copyFileCollectionData',
  message: `is too long: a list in a request has at most ${MAX_INLINE_ENTRIES} files and ${MAX_INLINE_BYTES} bytes of JSON`,
};

/**
 * The request that a body and an x-correlation-id make, with its defaults filled in. `correlationId` is the canonical id,
 * undefined where the header was there and is no UUID. Throws HttpError 400 that lists every mistake in both.
 */
export async function receiveCopyRequest(
  request: Request,
  correlationId: string | undefined,
): Promise<ParsedRequest & { correlationId: string }> {
  const parsed = parseCopyRequest(await readBody(request, MAX_BODY_BYTES));
  if (parsed.kind === 'request' && correlationId !== undefined) {
    return { correlationId, request: parsed.request, digest: parsed.digest };
  }
  throw invalidRequest([
    ...(parsed.kind === 'mistakes' ? parsed.errors : parsed.kind === 'long list' ? [TOO_LONG] : []),
    ...(correlationId === undefined ? [{ path: CORRELATION_ID_HEADER, message: 'must be a UUID' }] : []),
  ]);
}
