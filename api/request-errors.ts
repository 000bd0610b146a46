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

/** What zod found, as the API says it: one error for each mistake, an unknown field under its own path. */
export function requestErrors(error: z.ZodError): RequestError[] {
  const mistakes = error.issues.flatMap((issue): { path: PropertyKey[]; message: string }[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not a known field' }))
      : [issue],
  );
  const errors = mistakes.slice(0, MAX_ERRORS).map(({ path, message }) => ({ path: formatPath(path), message }));
  if (mistakes.length > MAX_ERRORS) {
    errors.push({ path: '', message: `has ${mistakes.length - MAX_ERRORS} more mistakes` });
  }
  return errors;
}
