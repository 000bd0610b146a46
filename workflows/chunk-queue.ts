/** One pass over a chunk, or over what an earlier pass has left of it. */
export interface ChunkPass {
  chunk: number;
  /** Names the object with the results of this pass. */
  part: number;
  /** Job indices of the files that are left; absent: all of the chunk. */
  only?: number[];
  /** Passes so far that left something for a reason that may go away. */
  tries: number;
  /** Of the chunk, as it was planned, where that is known. */
  generation?: string;
  /** An activity ended without saying what it did: storage has to be asked. */
  isUncertain?: boolean;
}

/** Chunks that are to be copied, as plain data that goes along when the job continues as a new run. */
export interface CarriedQueue {
  planned: number;
  next: number;
  left: ChunkPass[];
  /** Of the chunks from `next` on, as they were planned, as far as that is known. */
  generations?: string[];
}

/**
 * Files that may be left over before no further chunk is begun: where storage fails altogether, the job is not to hold
 * the name of every file that failed.
 */
const MAX_LEFT_FILES = 20_000;

/** What is to be copied next: what is left of chunks that were begun, then the chunks in their order. */
export class ChunkQueue {
  #planned: number;
  #next: number;
  readonly #left: ChunkPass[];
  /** Files that were left over, of passes that wait too. */
  #leftFiles: number;
  /** Of chunks that are planned and not begun. */
  readonly #generations = new Map<number, string>();
  /** Passes that wait for their time to come again. */
  readonly #waiting = new Set<ChunkPass>();

  constructor({ planned, next, left, generations = [] }: CarriedQueue = { planned: 0, next: 0, left: [] }) {
    this.#planned = planned;
    this.#next = next;
    generations.forEach((generation, position) => this.#generations.set(next + position, generation));
    this.#left = [...left];
    this.#leftFiles = left.reduce((sum, { only }) => sum + (only?.length ?? 0), 0);
  }

  carry(): CarriedQueue {
    const generations: string[] = [];
    for (let chunk = this.#next; this.#generations.has(chunk); chunk += 1) {
      generations.push(this.#generations.get(chunk) ?? '');
    }
    const left = [...this.#left, ...this.#waiting];
    return { planned: this.#planned, next: this.#next, left, ...(generations.length > 0 && { generations }) };
  }

  /** One more chunk is planned: the one with this number. */
  plan(chunk: number, generation?: string): void {
    this.#planned = chunk + 1;
    if (generation !== undefined) this.#generations.set(chunk, generation);
  }

  /** Chunks that are planned by now. */
  get planned(): number {
    return this.#planned;
  }

  /** Chunks that are planned and not begun. */
  get ahead(): number {
    return this.#planned - this.#next;
  }

  get hasNext(): boolean {
    return this.#left.length > 0 || (this.ahead > 0 && this.#leftFiles < MAX_LEFT_FILES);
  }

  /** Nothing is left, and nothing waits. */
  get isEmpty(): boolean {
    return this.#left.length === 0 && this.ahead === 0 && this.#waiting.size === 0;
  }

  take(): ChunkPass | undefined {
    const pass = this.#left.shift();
    if (pass !== undefined) {
      this.#leftFiles -= pass.only?.length ?? 0;
      return pass;
    }
    if (!this.hasNext) return undefined;
    const chunk = this.#next++;
    const generation = this.#generations.get(chunk);
    this.#generations.delete(chunk);
    return { chunk, part: 0, tries: 0, ...(generation !== undefined && { generation }) };
  }

  /** To be gone on with as soon as may be. */
  putBack(pass: ChunkPass): void {
    this.#left.unshift(pass);
    this.#leftFiles += pass.only?.length ?? 0;
  }

  /** To be gone on with once what is given is called. */
  putOff(pass: ChunkPass): () => void {
    this.#waiting.add(pass);
    this.#leftFiles += pass.only?.length ?? 0;
    return () => {
      if (this.#waiting.delete(pass)) this.#left.unshift(pass);
    };
  }

  /** Whether something failed that is to be tried again. */
  get hasRetries(): boolean {
    return this.#waiting.size > 0 || this.#left.some(({ tries }) => tries > 0);
  }

  /** Passes that wait to be made, and of which nobody can say what an earlier attempt did. */
  get uncertain(): ChunkPass[] {
    return [...this.#left, ...this.#waiting].filter(({ isUncertain }) => isUncertain === true);
  }

  /** Takes one out, which waits to be made. */
  remove(pass: ChunkPass): void {
    if (!this.#waiting.delete(pass)) this.#left.splice(this.#left.indexOf(pass), 1);
    this.#leftFiles -= pass.only?.length ?? 0;
  }
}
