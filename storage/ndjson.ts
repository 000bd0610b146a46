import { StorageError } from './errors.ts';

/** The content type of objects that hold a record a line. */
export const NDJSON = 'application/x-ndjson';

/** Records as the lines of an object. */
export function toLines(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/**
 * The records in the lines of an object, given by its name. Throws a StorageError of kind `malformed` that says which
 * object it is where one of them is no JSON.
 */
export function fromLines<T>(name: string, text: string): T[] {
  const records: T[] = [];
  try {
    for (const line of text.split('\n')) if (line !== '') records.push(JSON.parse(line) as T);
  } catch (error) {
    throw new StorageError('malformed', `${name} has a line that is no JSON`, { cause: error });
  }
  return records;
}
