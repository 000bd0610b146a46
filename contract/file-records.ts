import type { FileEntry, FileFilter, FileRecord, FilesQuery } from './messages.ts';
import { countFile, emptyCounts, isFinalFileState, type JobCounts } from './states.ts';

/** The record of a file that nothing has been done about yet. `at`: when it was asked for. */
export function requestedFile(entry: FileEntry, index: number, at: number): FileRecord {
  return {
    ...entry,
    index,
    state: 'Requested',
    retryCount: 0,
    message: '',
    size: null,
    crc32c: null,
    generation: null,
    sourceGeneration: null,
    history: [{ state: 'Requested', at }],
  };
}

/** A page of the files that match, how many match in all, and where the next page starts (null on the last one). */
export function pageOf(
  files: readonly FileRecord[],
  { from, limit, ...filter }: FilesQuery,
): { files: FileRecord[]; totalCount: number; next: number | null } {
  const matching = files.filter((file) => matchesFilter(file, filter));
  const rest = matching.filter(({ index }) => index >= from);
  return { files: rest.slice(0, limit), totalCount: matching.length, next: rest[limit]?.index ?? null };
}

/** Bytes of a file's record besides its texts, at most. */
const RECORD_BYTES = 350;

/** As many files of a page as fit so many bytes as JSON, but one at least; it goes on behind those. */
export function fitting<Page extends { files: FileRecord[]; next: number | null }>(page: Page, maxBytes: number): Page {
  let bytes = 0;
  const end = page.files.findIndex((file, position) => {
    const { fileName, destinationFileName, sourceCollectionId, destinationCollectionId, message } = file;
    const texts = [fileName, destinationFileName, sourceCollectionId, destinationCollectionId, message];
    // A UTF-16 code unit is three bytes of UTF-8 at most; escaped in JSON, `"` and `\\` are two.
    bytes += RECORD_BYTES + texts.reduce((sum, text) => sum + 3 * text.length, 0) + 60 * file.history.length;
    return bytes > maxBytes && position > 0;
  });
  const first = page.files[end];
  return first === undefined ? page : { ...page, files: page.files.slice(0, end), next: first.index };
}

/** Whether a file is one of those that are asked for. */
export function matchesFilter(file: FileRecord, { state, collectionId }: FileFilter): boolean {
  if (state !== undefined && file.state !== state) return false;
  return (
    collectionId === undefined ||
    file.sourceCollectionId === collectionId ||
    file.destinationCollectionId === collectionId
  );
}

/** Files by outcome; those without one are pending. */
export function countFiles(files: readonly FileRecord[]): JobCounts {
  const counts = emptyCounts(files.length);
  for (const { state, size } of files) if (isFinalFileState(state)) countFile(counts, state, size ?? 0);
  return counts;
}
