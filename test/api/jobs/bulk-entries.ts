import type { FileEntry } from '../../../contract/messages.ts';

/** When the bulk jobs of these tests were received, in milliseconds since the epoch. */
export const RECEIVED_AT = Date.parse('2026-01-02T03:04:05Z');

/** What they ask for the file with this index. */
export const entry = (index: number): FileEntry => ({
  ...{ sourceCollectionId: 'from', destinationCollectionId: 'to' },
  ...{ fileName: `file-${index}`, destinationFileName: `file-${index}` },
});
