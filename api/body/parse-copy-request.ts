import { MAX_INLINE_BYTES, MAX_INLINE_ENTRIES } from '../../contract/limits.ts';
import type { ListRequest, RequestError } from '../../contract/messages.ts';
import { invalidRequest } from '../http-error.ts';
import { CORRELATION_ID_HEADER } from '../middleware/correlation-id.ts';
import { requestErrors } from '../request-errors.ts';
import { copyRequestBody, DEFAULT_OPTIONS, type CopyRequestBody } from '../schemas/copy-request.ts';
import { parseJson } from './json-body.ts';

/**
 * Largest body that is parsed, in bytes: what fits inline, however generously it is indented and escaped. Parsed JSON
 * takes many times its text's memory, so a longer one is refused unparsed.
 */
const MAX_PARSED_BYTES = 8 * MAX_INLINE_BYTES;

const LIMITS = `at most ${MAX_INLINE_ENTRIES} files and ${MAX_INLINE_BYTES} bytes of JSON`;

type Checked = { ok: true; value: ListRequest } | { ok: false; errors: RequestError[] };

const wrong = (path: string, message: string): Checked => ({
  ok: false,
  errors: [{ path, message }],
});

/** Entries of a body of any shape, so that a list that is too long is not first judged entry by entry. */
function listLength(body: unknown): number {
  if (typeof body !== 'object' || body === null || !('copyFileCollectionData' in body)) return 0;
  return Array.isArray(body.copyFileCollectionData) ? body.copyFileCollectionData.length : 0;
}

function withDefaults({ copyFileCollectionData, options }: CopyRequestBody): ListRequest {
  return {
    entries: copyFileCollectionData.map(
      ({ sourceCollectionId, destinationCollectionId, fileName, destinationFileName }) => ({
        sourceCollectionId,
        destinationCollectionId,
        fileName,
        destinationFileName: destinationFileName ?? fileName,
      }),
    ),
    options: { ...DEFAULT_OPTIONS, ...options },
  };
}

function checkBody(bytes: Uint8Array): Checked {
  if (bytes.byteLength > MAX_PARSED_BYTES) return wrong('', `is too long: a list in a request has ${LIMITS}`);
  const json = parseJson(bytes);
  if (!json.ok) return wrong('', json.problem);
  const entries = listLength(json.value);
  if (entries > MAX_INLINE_ENTRIES) {
    return wrong(
      'copyFileCollectionData',
      `is too long: a list in a request has ${LIMITS}, but this has ${entries} files`,
    );
  }
  const parsed = copyRequestBody.safeParse(json.value);
  if (!parsed.success) return { ok: false, errors: requestErrors(parsed.error) };
  const request = withDefaults(parsed.data);
  const size = Buffer.byteLength(JSON.stringify(request.entries));
  if (size > MAX_INLINE_BYTES) {
    return wrong(
      'copyFileCollectionData',
      `is too long: a list in a request has ${LIMITS}, but this has ${size} bytes`,
    );
  }
  return { ok: true, value: request };
}

/**
 * The request that a body and an x-correlation-id make, with its defaults filled in. `correlationId` is the canonical id,
 * undefined where the header was there and is no UUID. Throws HttpError 400 that lists every mistake in both.
 */
export function parseCopyRequest(
  body: Uint8Array,
  correlationId: string | undefined,
): { correlationId: string; request: ListRequest } {
  const request = checkBody(body);
  if (request.ok && correlationId !== undefined) return { correlationId, request: request.value };
  throw invalidRequest([
    ...(request.ok ? [] : request.errors),
    ...(correlationId === undefined ? [{ path: CORRELATION_ID_HEADER, message: 'must be a UUID' }] : []),
  ]);
}
