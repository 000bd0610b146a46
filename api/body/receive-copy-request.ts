import { MAX_BODY_BYTES, MAX_INLINE_BYTES } from '../../contract/limits.ts';
import type { RequestError } from '../../contract/messages.ts';
import { invalidRequest } from '../http-error.ts';
import type { ApiLimits } from '../limits.ts';
import { CORRELATION_ID_HEADER } from '../middleware/correlation-id.ts';
import type { Quota } from '../quota.ts';
import { bodyChunks } from './json-body.ts';
import type { ListInput } from './list-sink.ts';
import { parseCopyRequest, type Parsed, type ParsedRequest } from './parse-copy-request.ts';
import { parseLongBody } from './parse-long-body.ts';

/** Begins to store the long list of a job; see JobInputStore. */
export type OpenInput = (correlationId: string) => ListInput;

/** What bodies take while they come in. */
export interface Intake {
  longBodies: Quota;
  heldBytes: Quota;
}

interface Receiving {
  openInput: OpenInput;
  intake: Intake;
  limits: ApiLimits;
  caller: string;
  /** What is wrong with the request whatever its body is. */
  mistakes: readonly RequestError[];
}

/** What one body has taken. */
class Taken {
  readonly #intake: Intake;
  readonly #caller: string;
  readonly #releases: (() => void)[] = [];

  constructor(intake: Intake, caller: string) {
    this.#intake = intake;
    this.#caller = caller;
  }

  hold(bytes: number): void {
    this.#releases.push(this.#intake.heldBytes.take(this.#caller, bytes));
  }

  /** From here on next to nothing of the body is held. */
  longBody(): void {
    const release = this.#intake.longBodies.take(this.#caller);
    this.release();
    this.#releases.push(release);
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}

/** Where nothing is to be stored, since the request is refused in any case. */
const NOWHERE: ListInput = {
  write: () => Promise.resolve(),
  close: () => Promise.resolve({ object: '', generation: '' }),
  abort: () => Promise.resolve(),
};

/**
 * The request that a body and an x-correlation-id make, with its defaults filled in; a list that is too long to travel in
 * messages is stored on the way. `correlationId` is the canonical id, undefined where the header was there and is no UUID.
 * Throws HttpError 400 that lists every mistake of the request, 429 or 503 past the bounds, what bodyChunks throws, and
 * ServiceUnavailableError.
 */
export async function receiveCopyRequest(
  request: Request,
  correlationId: string | undefined,
  { openInput, intake, limits, caller, mistakes }: Receiving,
): Promise<ParsedRequest & { correlationId: string }> {
  const chunks = bodyChunks(request, {
    maxBytes: MAX_BODY_BYTES,
    idleMs: limits.bodyIdleMs,
    totalMs: limits.bodyTotalMs,
  });
  const isWrong = correlationId === undefined || mistakes.length > 0;
  const open = () => (isWrong ? NOWHERE : openInput(correlationId));
  const parsed = await parseBody(chunks, open, new Taken(intake, caller));
  if (parsed.kind === 'request' && !isWrong) {
    return { correlationId, request: parsed.request, digest: parsed.digest };
  }
  throw invalidRequest([
    ...(parsed.kind === 'mistakes' ? parsed.errors : []),
    ...(correlationId === undefined ? [{ path: CORRELATION_ID_HEADER, message: 'must be a UUID' }] : []),
    ...mistakes,
  ]);
}

/** Parses a body whole where it is short enough for that, which is quickest, and else as it comes. */
async function parseBody(chunks: AsyncGenerator<Uint8Array>, open: () => ListInput, taken: Taken): Promise<Parsed> {
  const held: Uint8Array[] = [];
  let length = 0;
  try {
    while (length <= MAX_INLINE_BYTES) {
      const next = await chunks.next();
      if (next.done === true) {
        const parsed = parseCopyRequest(Buffer.concat(held, length));
        if (parsed.kind !== 'long list') return parsed;
        taken.longBody();
        return await parseLongBody(replayed(held), open);
      }
      taken.hold(next.value.byteLength);
      held.push(next.value);
      length += next.value.byteLength;
    }
    taken.longBody();
    return await parseLongBody(replayed(held, chunks), open);
  } finally {
    taken.release();
    await chunks.return(undefined);
  }
}

/** What was read already, then the rest. */
async function* replayed(held: Uint8Array[], rest?: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* held.splice(0);
  if (rest !== undefined) yield* rest;
}
