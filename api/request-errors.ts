import type { z } from '@hono/zod-openapi';
import type { RequestError } from '../contract/messages.ts';

/** More mistakes than a list within the limits can have; a body made of unknown fields stops here. */
const MAX_ERRORS = 10_000;

/** Longest part of a caller's own text that an error repeats, in characters. */
const MAX_KEY_LENGTH = 100;

function pathSegment(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  if (/^[A-Za-z_$][\w$-]*$/.test(name) && name.length <= MAX_KEY_LENGTH) return `.${name}`;
  return `[${JSON.stringify(name.length > MAX_KEY_LENGTH ? `${name.slice(0, MAX_KEY_LENGTH)}…` : name)}]`;
}

/** A place in a request, written as in JavaScript: `copyFileCollectionData[3].fileName`; the root is empty. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.map(pathSegment).join('').replace(/^\./, '');
}

/** Mistakes of a request as they are found, one for each. Of more than `max`, the rest is counted. */
export class Mistakes {
  readonly #max: number;
  readonly #errors: RequestError[] = [];
  #more = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get none(): boolean {
    return this.#errors.length === 0;
  }

  add(path: readonly PropertyKey[], message: string): void {
    if (this.#errors.length < this.#max) this.#errors.push({ path: formatPath(path), message });
    else this.#more += 1;
  }

  /** Adds what zod found in what stands at this path, an unknown field under its own one. */
  addAll(error: z.ZodError, at: readonly PropertyKey[] = [], unknown = 'is not a known field'): void {
    for (const issue of error.issues) {
      if (issue.code !== 'unrecognized_keys') this.add([...at, ...issue.path], issue.message);
      else for (const key of issue.keys) this.add([...at, ...issue.path, key], unknown);
    }
  }

  /** The mistakes, the last of them saying how many more there are. */
  list(): RequestError[] {
    if (this.#more === 0) return this.#errors;
    return [...this.#errors, { path: '', message: `has ${this.#more} more mistakes` }];
  }
}

/** What zod found, as the API says it. */
export function requestErrors(error: z.ZodError): RequestError[] {
  const mistakes = new Mistakes(MAX_ERRORS);
  mistakes.addAll(error);
  return mistakes.list();
}

/** What zod found in a query, which has these parameters and no other. */
export function queryErrors(error: z.ZodError, { shape }: { shape: object }): RequestError[] {
  const mistakes = new Mistakes(MAX_ERRORS);
  mistakes.addAll(error, [], `is not a parameter here; there is ${Object.keys(shape).join(', ')}`);
  return mistakes.list();
}
