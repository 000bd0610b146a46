import { MAX_REQUEST_ERRORS } from '../../contract/limits.ts';
import { locate, type CollectionIndex } from '../../contract/locate.ts';
import type { FileEntry, RequestError } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { EntryLine } from '../../manifests/file-entry.ts';
import type { ObjectRef } from '../../storage/objects.ts';
import { errorAt, ITSELF, nameMistakes, OVER_SOURCE, repeats } from '../access/entry-mistakes.ts';
import { ConflictFinder, type Conflict } from './conflict-finder.ts';

/** What becomes of wrong entries of a list. */
export interface ListRules {
  /** Judges the next entry: what is wrong with the file in the plan, or undefined. Its collections are in the index. */
  judge(line: EntryLine): string | undefined;
  /** Whether the whole request is to be refused. */
  readonly isRefusing: boolean;
  /** The mistakes it is refused for, in the order of the entries. */
  errors(): RequestError[];
}

/** In a manifest, a wrong line ends `Failed` and the others go on as if it was not there. */
export class ManifestRules implements ListRules {
  readonly isRefusing = false;
  readonly #places: CollectionIndex;
  /** What is read, and is not to be written over. */
  readonly #manifest: ObjectRef;
  readonly #finder = new ConflictFinder();

  constructor(places: CollectionIndex, manifest: ObjectRef) {
    this.#places = places;
    this.#manifest = manifest;
  }

  judge({ line, entry, problem }: EntryLine): string | undefined {
    const wrong = problem ?? this.#problemOf(line, entry);
    return wrong === undefined ? undefined : reason('INVALID_REQUEST', `line ${line}: ${wrong}`);
  }

  #problemOf(line: number, entry: FileEntry): string | undefined {
    const [mistake] = nameMistakes(entry, this.#places);
    if (mistake !== undefined) return `${mistake.field} ${mistake.message}`;
    const located = locate(entry, this.#places);
    const { bucket, name } = located.destination;
    if (name === this.#manifest.name && bucket === this.#manifest.bucket) {
      return 'destinationFileName is the manifest itself';
    }
    const [conflict] = this.#finder.add(located, line);
    return conflict === undefined ? undefined : describe(conflict);
  }

  errors(): RequestError[] {
    return [];
  }
}

/** Of an earlier file it is said by its line. */
function describe(conflict: Conflict): string {
  switch (conflict.kind) {
    case 'itself':
      return `${ITSELF.field} ${ITSELF.message}`;
    case 'repeated':
      return `destinationFileName is already the destination of line ${conflict.first}`;
    case 'overSource':
      return `destinationFileName is also the source of line ${conflict.first}`;
    case 'fromDestination':
      return `fileName is also the destination of line ${conflict.first}`;
  }
}

/**
 * In a list that came with the request, a wrong entry refuses it, as findConflicts does for a short list, and in the same
 * words. It knows no names of earlier entries: of those that have the same destination, which a later one reads, it tells
 * that of the first.
 */
export class RequestRules implements ListRules {
  readonly #places: CollectionIndex;
  readonly #finder = new ConflictFinder();
  readonly #found: { index: number; error: RequestError }[] = [];
  /** Entries whose destination is known to be a source: that is said once. */
  readonly #overSources = new Set<number>();
  #next = 0;

  constructor(places: CollectionIndex) {
    this.#places = places;
  }

  judge({ entry, problem }: EntryLine): undefined {
    const index = this.#next;
    this.#next += 1;
    if (problem !== undefined) {
      this.#note(index, { message: problem });
      return;
    }
    for (const mistake of nameMistakes(entry, this.#places)) this.#note(index, mistake);
    const conflicts = this.#finder.add(locate(entry, this.#places), index, { always: true });
    for (const conflict of conflicts) this.#noteConflict(index, conflict);
  }

  /** Of two entries it is the one that writes a source which is told. */
  #noteConflict(index: number, conflict: Conflict): void {
    if (conflict.kind === 'repeated') {
      this.#note(index, repeats(conflict.first));
      return;
    }
    const writer = conflict.kind === 'fromDestination' ? conflict.first : index;
    if (this.#overSources.has(writer) || this.#isFull) return;
    this.#overSources.add(writer);
    this.#note(writer, conflict.kind === 'itself' ? ITSELF : OVER_SOURCE);
  }

  get isRefusing(): boolean {
    return this.#found.length > 0;
  }

  get #isFull(): boolean {
    return this.#found.length >= MAX_REQUEST_ERRORS;
  }

  #note(index: number, mistake: { field?: string; message: string }): void {
    if (!this.#isFull) this.#found.push({ index, error: errorAt(index, mistake) });
  }

  errors(): RequestError[] {
    return this.#found.toSorted((one, other) => one.index - other.index).map(({ error }) => error);
  }
}
