import { objectNameProblem } from '../../contract/file-name.ts';
import type { CollectionIndex } from '../../contract/locate.ts';
import type { FileEntry, RequestError } from '../../contract/messages.ts';

/** The field of a request that lists its files. */
export const LIST_FIELD = 'copyFileCollectionData';

/** What is wrong with an entry of a list, once its collections are places. */
export interface EntryMistake {
  field: 'fileName' | 'destinationFileName';
  message: string;
}

/** A mistake as the request's caller is told of it. Without a field it is of the entry altogether. */
export function errorAt(index: number, { field, message }: { field?: string; message: string }): RequestError {
  const path = `${LIST_FIELD}[${index}]`;
  return { path: field === undefined ? path : `${path}.${field}`, message };
}

/** The destination is the source. */
export const ITSELF: EntryMistake = { field: 'destinationFileName', message: 'is the source file itself' };

/** The destination is read, too. */
export const OVER_SOURCE: EntryMistake = { field: 'destinationFileName', message: 'is also a source of this request' };

/** An earlier entry has the same destination. */
export function repeats(first: number): EntryMistake {
  return { field: 'destinationFileName', message: `is already the destination of ${LIST_FIELD}[${first}]` };
}

/** Names that are none together with the prefix of their collection. */
export function nameMistakes(entry: FileEntry, places: CollectionIndex): EntryMistake[] {
  const mistakes: EntryMistake[] = [];
  const source = problemIn(places, entry.sourceCollectionId, entry.fileName);
  if (source !== undefined) mistakes.push({ field: 'fileName', message: source });
  const destination = problemIn(places, entry.destinationCollectionId, entry.destinationFileName);
  if (destination !== undefined) mistakes.push({ field: 'destinationFileName', message: destination });
  return mistakes;
}

function problemIn(places: CollectionIndex, collectionId: string, fileName: string): string | undefined {
  return objectNameProblem(places.get(collectionId)?.prefix ?? '', fileName);
}
