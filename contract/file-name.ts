import { MAX_OBJECT_NAME_BYTES } from './limits.ts';

/** UTF-8 bytes that a UTF-16 unit takes at most. */
const BYTES_PER_UNIT = 3;

/** UTF-8 length of a text without encoding it (workflows have no Buffer). A lone surrogate counts three. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/**
 * What is wrong with a file name, or undefined where nothing is. The rules are Cloud Storage's own
 * (cloud.google.com/storage/docs/objects#naming), and no `.` or `..` as a segment, which URL parsers would resolve.
 * Names are taken as they are: no normalisation.
 */
export function fileNameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (!name.isWellFormed()) return 'must not contain a lone surrogate: it has no UTF-8 form';
  if (/[\r\n\0]/.test(name)) return 'must not contain a carriage return, line feed or NUL';
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(name)) {
    return 'must not have "." or ".." as a path segment';
  }
  if (name.startsWith('.well-known/acme-challenge/')) return 'must not start with ".well-known/acme-challenge/"';
  // Most names are far too short to be counted.
  if (name.length * BYTES_PER_UNIT <= MAX_OBJECT_NAME_BYTES) return undefined;
  const bytes = utf8Length(name);
  if (bytes > MAX_OBJECT_NAME_BYTES) {
    return `must be at most ${MAX_OBJECT_NAME_BYTES} UTF-8 bytes, but is ${bytes}`;
  }
  return undefined;
}

/** What is wrong with the beginning of file names; "" is the beginning of all of them. */
export function prefixProblem(prefix: string): string | undefined {
  // The last segment goes on in the names: only there, "." and ".." are not the whole of it.
  return prefix === '' ? undefined : fileNameProblem(prefix.replace(/(?<=^|\/)\.{1,2}$/, '_'));
}

/** What is wrong with an object's name, that is, a collection's prefix and a valid file name put together. */
export function objectNameProblem(prefix: string, fileName: string): string | undefined {
  if ((prefix.length + fileName.length) * BYTES_PER_UNIT > MAX_OBJECT_NAME_BYTES) {
    const bytes = utf8Length(prefix) + utf8Length(fileName);
    if (bytes > MAX_OBJECT_NAME_BYTES) {
      return `must be at most ${MAX_OBJECT_NAME_BYTES} UTF-8 bytes together with the collection's prefix, but is ${bytes}`;
    }
  }
  const problem = fileNameProblem(prefix + fileName);
  return problem === undefined ? undefined : `${problem}, together with the collection's prefix`;
}
