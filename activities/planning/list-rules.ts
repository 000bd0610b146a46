import { objectNameProblem } from '../../contract/file-name.ts';
import { MAX_REQUEST_ERRORS } from '../../contract/limits.ts';
import { locate, type CollectionIndex } from '../../contract/locate.ts';
import type { FileEntry, RequestError } from '../../contract/messages.ts';
import { reason } from '../../contract/reasons.ts';
import type { EntryLine } from '../../manifests/file-entry.ts';
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

interface NameMistake {
  field: 'fileName' | 'destinationFileName';
  message: string;
}

/** In a manifest, a wrong line ends `Failed` and the others go on as if it was not there. */
export class ManifestRules implements ListRules {
  readonly isRefusing = false;
  readonly #places: CollectionIndex;
  readonly #finder = new ConflictFinder();

  constructor(places: CollectionIndex) {
    this.#places = places;
  }

  judge({ line, entry, problem }: EntryLine): string | undefined {
    const wrong = problem ?? this.#problemOf(line, entry);
    return wrong === undefined ? undefined : reason('INVALID_REQUEST', `line ${line}: ${wrong}`);
  }

  #problemOf(line: number, entry: FileEntry): string | undefined {
    const [mistake] = nameMistakes(entry, this.#places);
    if (mistake !== undefined) return `${mistake.field} ${mistake.message}`;
    const [conflict] = this.#finder.add(locate(entry, this.#places), line);
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
      return 'destinationFileName is the source file itself';
    case 'repeated':
      return `destinationFileName is already the destination of line ${conflict.first}`;
    case 'overSource':
      return `destinationFileName is also the source of line ${conflict.first}`;
    case 'fromDestination':
      return `fileName is also the destination of line ${conflict.first}`;
  }
}

/** In a list that came with the request, a wrong entry refuses it, as findConflicts does for a short list. */
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
      this.#note(index, undefined, problem);
      return;
    }
    for (const { field, message } of nameMistakes(entry, this.#places)) this.#note(index, field, message);
    const conflicts = this.#finder.add(locate(entry, this.#places), index, { always: true });
    for (const conflict of conflicts) this.#noteConflict(index, conflict);
  }

  /** Of two entries it is the one that writes a source which is told. */
  #noteConflict(index: number, conflict: Conflict): void {
    if (conflict.kind === 'repeated') {
      const first = `copyFileCollectionData[${conflict.first}]`;
      this.#note(index, 'destinationFileName', `is already the destination of ${first}`);
      return;
    }
    const writer = conflict.kind === 'fromDestination' ? conflict.first : index;
    if (this.#overSources.has(writer) || this.#isFull) return;
    this.#overSources.add(writer);
    const message = conflict.kind === 'itself' ? 'is the source file itself' : 'is also a source of this request';
    this.#note(writer, 'destinationFileName', message);
  }

  get isRefusing(): boolean {
    return this.#found.length > 0;
  }

  get #isFull(): boolean {
    return this.#found.length >= MAX_REQUEST_ERRORS;
  }

  #note(index: number, field: string | undefined, message: string): void {
    if (this.#isFull) return;
    const path = `copyFileCollectionData[${index}]`;
    this.#found.push({ index, error: { path: field === undefined ? path : `${path}.${field}`, message } });
  }

  errors(): RequestError[] {
    return this.#found.toSorted((one, other) => one.index - other.index).map(({ error }) => error);
  }
}

function nameMistakes(entry: FileEntry, places: CollectionIndex): NameMistake[] {
  const prefixOf = (collectionId: string) => places.get(collectionId)?.prefix ?? '';
  const mistakes: NameMistake[] = [];
  const source = objectNameProblem(prefixOf(entry.sourceCollectionId), entry.fileName);
  if (source !== undefined) mistakes.push({ field: 'fileName', message: source });
  const destination = objectNameProblem(prefixOf(entry.destinationCollectionId), entry.destinationFileName);
  if (destination !== undefined) mistakes.push({ field: 'destinationFileName', message: destination });
  return mistakes;
}
