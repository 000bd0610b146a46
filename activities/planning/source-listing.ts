import { isStorageError } from '../../storage/errors.ts';
import type { PrefixRef } from '../../storage/lock-targets.ts';
import type { ListedPage, ObjectResource, ObjectStore } from '../../storage/objects.ts';
import { failure, toFailure } from '../failures.ts';

/** Where a listing goes on. */
export interface ListingPosition {
  /** The last name that was listed already; empty: none was. */
  startOffset: string;
  /** What gives the page behind it, of the listing that began at `from`; absent: that is not known. */
  page?: { token: string; from: string };
}

/** Lists what is under a prefix, page by page, from a position on. A thousand objects a page, as storage has it. */
export class SourceListing {
  readonly #objects: ObjectStore;
  readonly #range: PrefixRef;
  #last: string;
  #page: ListingPosition['page'];
  /** Where the listing began that pages are of. */
  #from: string;
  #isAll = false;

  constructor(objects: ObjectStore, range: PrefixRef, position: ListingPosition = { startOffset: '' }) {
    this.#objects = objects;
    this.#range = range;
    this.#last = position.startOffset;
    this.#page = position.page;
    this.#from = position.page?.from ?? position.startOffset;
  }

  /** Whether there is nothing behind what was listed. */
  get isAll(): boolean {
    return this.#isAll;
  }

  /** From where another listing gives what this one has not given. */
  get position(): ListingPosition {
    return { startOffset: this.#last, ...(this.#page && { page: this.#page }) };
  }

  /** The next page. Throws ApplicationFailure. */
  async read(): Promise<ListedPage> {
    let page: ListedPage | undefined;
    try {
      page = await this.#ask();
    } catch (error) {
      throw toFailure(error);
    }
    if (page === undefined) throw failure('SOURCE_NOT_FOUND', `the bucket ${this.#range.bucket} does not exist`);
    return page;
  }

  /** What is new on a page that was read; the listing goes on behind it. */
  take({ resources, isLast, nextPageToken }: ListedPage): ObjectResource[] {
    const before = this.#last;
    this.#last = resources.at(-1)?.name ?? before;
    this.#isAll = isLast;
    this.#page = isLast ? undefined : { token: nextPageToken, from: this.#from };
    // A range includes where it starts, which was given before.
    return before !== '' && resources[0]?.name === before ? resources.slice(1) : resources;
  }

  async #ask(): Promise<ListedPage | undefined> {
    if (this.#page !== undefined) {
      try {
        return await this.#objects.listPage(this.#rangeFrom(this.#from), this.#page.token);
      } catch (error) {
        // Nobody says for how long a token is good.
        if (!isStorageError(error, 'refused')) throw error;
        this.#page = undefined;
        this.#from = this.#last;
      }
    }
    return await this.#objects.listPage(this.#rangeFrom(this.#from));
  }

  #rangeFrom(startOffset: string) {
    return { ...this.#range, startOffset: startOffset === '' ? undefined : startOffset };
  }
}
