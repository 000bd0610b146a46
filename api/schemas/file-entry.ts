import { z } from '@hono/zod-openapi';
import { collectionIdProblem } from '../../contract/collection-id.ts';
import { fileNameProblem } from '../../contract/file-name.ts';
import { MAX_COLLECTION_ID_LENGTH } from '../../contract/limits.ts';
import type { FileEntry } from '../../contract/messages.ts';

/** A required string that a rule judges: it gives what is wrong, or undefined. */
export function text(problemOf: (value: string) => string | undefined) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be a string') })
    .superRefine((value, context) => {
      const message = problemOf(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
}

/** The id of a collection that is used so. */
export function collectionId(description: string) {
  return text(collectionIdProblem).openapi({ minLength: 1, maxLength: MAX_COLLECTION_ID_LENGTH, description });
}

const fileName = text(fileNameProblem);

/** What a file's name may be, for the documentation. */
export const NAME_RULES =
  'At most 1,024 UTF-8 bytes together with the collection\'s prefix; no CR, LF, NUL or lone surrogate, no "." or ".." ' +
  'as a path segment, not starting ".well-known/acme-challenge/". Any other Unicode name works as it is.';

/** One entry of a list. */
export const fileEntry = z
  .strictObject(
    {
      sourceCollectionId: collectionId('The collection to copy from. The caller needs any level of access to it.'),
      destinationCollectionId: collectionId('The collection to copy to. The caller needs readwrite or higher.'),
      fileName: fileName.openapi({ minLength: 1, maxLength: 1024, description: `The file to copy. ${NAME_RULES}` }),
      destinationFileName: fileName
        .optional()
        .openapi({ minLength: 1, maxLength: 1024, description: 'The name of the copy; default: `fileName`.' }),
    },
    { error: 'must be an object that names one file' },
  )
  .openapi('FileEntry');

/** An entry with its defaults filled in. */
export function toFileEntry({ destinationFileName, ...entry }: z.infer<typeof fileEntry>): FileEntry {
  return { ...entry, destinationFileName: destinationFileName ?? entry.fileName };
}
