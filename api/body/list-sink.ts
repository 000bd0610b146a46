import { MAX_INLINE_BYTES, MAX_INLINE_ENTRIES } from '../../contract/limits.ts';
import type { BulkSource, CopyOptions, FileEntry } from '../../contract/messages.ts';
import { fromStorage } from '../jobs/from-storage.ts';
import { ListDigest } from '../request-digest.ts';
import { listRequest, type ParsedRequest } from './parse-copy-request.ts';

/** A list that is being stored, a line an entry. It has to be closed or aborted; the other two throw what storage says. */
export interface ListInput {
  write(lines: string): Promise<void>;
  close(): Promise<{ object: string; generation: string }>;
  /** Sees that nothing is left of it. Never throws. */
  abort(): Promise<void>;
}

/**
 * Takes the entries of a list as they come. As long as they fit a message they are held; from there on they are stored,
 * and only what has not been sent yet is held. Throws ServiceUnavailableError where storage fails.
 */
export class ListSink {
  readonly #open: () => ListInput;
  readonly #isStored: boolean;
  readonly #digest = new ListDigest();
  #input: ListInput | undefined;
  #entries: FileEntry[] = [];
  #lines: string[] = [];
  #count = 0;
  /** Size of the list as JSON: a bracket, and after each entry a comma or the other bracket. */
  #bytes = 1;

  /** `isStored`: even where all of it would fit a message. */
  constructor(open: () => ListInput, { isStored = false } = {}) {
    this.#open = open;
    this.#isStored = isStored;
  }

  /** How many entries there are by now. */
  get count(): number {
    return this.#count;
  }

  add(entry: FileEntry): void {
    const line = JSON.stringify(entry);
    this.#lines.push(`${line}\n`);
    this.#digest.add(entry);
    this.#count += 1;
    this.#bytes += Buffer.byteLength(line) + 1;
    if (!this.#isLong()) this.#entries.push(entry);
  }

  /** Stores what has been added, where it has to be stored. Resolves once storage has room for more. */
  async flush(): Promise<void> {
    if (!this.#isLong()) return;
    this.#entries = [];
    const lines = this.#lines.join('');
    this.#lines = [];
    if (lines !== '') await this.#toStorage((input) => input.write(lines));
  }

  /** The request for all entries. Nothing can be added after that. */
  async finish(options: CopyOptions): Promise<ParsedRequest> {
    if (!this.#isLong()) return listRequest(this.#entries, options);
    await this.flush();
    const stored = await this.#toStorage((input) => input.close());
    const bulk: BulkSource = { kind: 'stored', ...stored, count: this.#count };
    return { request: { bulk, options }, digest: this.#digest.finish(options) };
  }

  /** Gives up: nothing is left in storage. */
  async abort(): Promise<void> {
    this.#entries = [];
    this.#lines = [];
    await this.#input?.abort();
  }

  #isLong(): boolean {
    return this.#isStored || this.#count > MAX_INLINE_ENTRIES || this.#bytes > MAX_INLINE_BYTES;
  }

  async #toStorage<T>(act: (input: ListInput) => Promise<T>): Promise<T> {
    this.#input ??= this.#open();
    return await fromStorage(act(this.#input));
  }
}
