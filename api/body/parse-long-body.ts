import { MAX_REQUEST_ERRORS } from '../../contract/limits.ts';
import type { RequestError } from '../../contract/messages.ts';
import { Mistakes } from '../request-errors.ts';
import { copyRequestBody, fieldsBesideList, inputMistakes } from '../schemas/copy-request.ts';
import { fileEntry, toFileEntry } from '../schemas/file-entry.ts';
import { JsonError, JsonSplitter, parseText, type JsonPart } from './json-splitter.ts';
import { ListSink, type ListInput } from './list-sink.ts';
import { namedRequest, withDefaults, type Parsed } from './parse-copy-request.ts';

const LIST = 'copyFileCollectionData';

/** Longest entry, or other field, as JSON text in bytes: several times what one with the longest names takes. */
const MAX_PART_BYTES = 64 * 1024;

const PART_TOO_LONG = `must be at most ${MAX_PART_BYTES} bytes of JSON`;

/**
 * Parses a body as it comes, with the same outcome as one that is held whole, and holds no more than one entry of it and
 * what has not been stored yet. From the first mistake on nothing is stored; the mistakes are still looked for.
 */
class LongBody {
  readonly #splitter = new JsonSplitter({ list: LIST, maxPartBytes: MAX_PART_BYTES });
  readonly #mistakes = new Mistakes(MAX_REQUEST_ERRORS);
  /** Known fields that the body has, and the values of those beside the list. */
  readonly #given = new Set<string>();
  readonly #fields = new Map<string, unknown>();
  readonly #sink: ListSink;
  #entries = 0;

  constructor(sink: ListSink) {
    this.#sink = sink;
  }

  async push(chunk: Uint8Array): Promise<void> {
    for (const part of this.#splitter.push(chunk)) this.#take(part);
    if (this.#mistakes.none) await this.#sink.flush();
    else await this.#sink.abort();
  }

  async finish(): Promise<Parsed> {
    this.#splitter.finish();
    if (this.#given.has(LIST) && this.#entries === 0 && this.#mistakes.none) {
      this.#mistakes.add([LIST], 'must name at least one file');
    }
    const fields = fieldsBesideList.safeParse(Object.fromEntries(this.#fields));
    if (!fields.success) this.#mistakes.addAll(fields.error);
    for (const { path, message } of inputMistakes((field) => this.#given.has(field)))
      this.#mistakes.add([path], message);
    if (!fields.success || !this.#mistakes.none) return this.failed();
    const named = namedRequest(fields.data);
    return { kind: 'request', ...(named ?? (await this.#sink.finish(withDefaults(fields.data.options)))) };
  }

  /** The mistakes so far, and another one where the body cannot be read on. */
  failed(...more: RequestError[]): Parsed {
    return { kind: 'mistakes', errors: [...this.#mistakes.list(), ...more] };
  }

  #take(part: JsonPart): void {
    if (part.kind === 'element') {
      this.#takeEntry(part.text);
      return;
    }
    const name = part.kind === 'list' ? LIST : part.name;
    if (!Object.hasOwn(copyRequestBody.shape, name)) {
      this.#mistakes.add([name], 'is not a known field');
      return;
    }
    // Of a list that is given twice, the first has been taken already; JSON.parse would have the last.
    if (this.#given.has(name)) this.#mistakes.add([name], 'must be given once');
    this.#given.add(name);
    if (part.kind === 'list') return;
    if (name === LIST) this.#mistakes.add([name], 'must be a list of the files to copy');
    else if (part.text === undefined) this.#mistakes.add([name], PART_TOO_LONG);
    else this.#fields.set(name, parseText(part.text));
  }

  #takeEntry(text: string | undefined): void {
    const path = [LIST, this.#entries];
    this.#entries += 1;
    if (text === undefined) {
      this.#mistakes.add(path, PART_TOO_LONG);
      return;
    }
    const entry = fileEntry.safeParse(parseText(text));
    if (!entry.success) this.#mistakes.addAll(entry.error, path);
    else if (this.#mistakes.none) this.#sink.add(toFileEntry(entry.data));
  }
}

/**
 * Parses a body of any length as it comes. `open` begins the object that a long list is stored in. Throws what the body
 * throws, and ServiceUnavailableError where storage fails; nothing is left in storage then, nor where there are mistakes.
 */
export async function parseLongBody(chunks: AsyncIterable<Uint8Array>, open: () => ListInput): Promise<Parsed> {
  const sink = new ListSink(open);
  const body = new LongBody(sink);
  let parsed: Parsed | undefined;
  try {
    for await (const chunk of chunks) await body.push(chunk);
    parsed = await body.finish();
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    parsed = body.failed({ path: '', message: error.message });
  } finally {
    if (parsed?.kind !== 'request') await sink.abort();
  }
  return parsed;
}
