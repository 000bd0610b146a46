import { z } from '@hono/zod-openapi';
import { fileNameProblem } from '../../contract/file-name.ts';
import { MAX_INLINE_ENTRIES } from '../../contract/limits.ts';
import { ON_LOCKED_MODES, OVERWRITE_MODES, type CopyOptions } from '../../contract/messages.ts';

/** What a request that says nothing asks for. There is no bound on the rate where none is asked for. */
export const DEFAULT_OPTIONS: Readonly<Required<Omit<CopyOptions, 'maxFilesPerSecond'>>> = {
  overwrite: 'always',
  onLocked: 'reject',
  priority: 3,
  dryRun: false,
};

/** A collection's id becomes part of an object's name, `collections/{id}.json`. */
const MAX_COLLECTION_ID_LENGTH = 256;

function collectionIdProblem(id: string): string | undefined {
  if (id === '') return 'must not be empty';
  if (id.length > MAX_COLLECTION_ID_LENGTH) return `must be at most ${MAX_COLLECTION_ID_LENGTH} characters`;
  if (!id.isWellFormed()) return 'must not contain a lone surrogate: it has no UTF-8 form';
  if (/[\u0000-\u001f\u007f-\u009f/]/.test(id)) return 'must not contain "/" or control characters';
  return undefined;
}

/** A required string that a rule of the contract judges. */
function text(problemOf: (value: string) => string | undefined) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be a string') })
    .superRefine((value, context) => {
      const message = problemOf(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
}

const collectionId = text(collectionIdProblem);
const fileName = text(fileNameProblem);

const NAME_RULES =
  'At most 1,024 UTF-8 bytes together with the collection\'s prefix; no CR, LF, NUL or lone surrogate, no "." or ".." ' +
  'as a path segment, not starting ".well-known/acme-challenge/". Any other Unicode name works as it is.';

const fileEntry = z
  .strictObject(
    {
      sourceCollectionId: collectionId.openapi({
        minLength: 1,
        maxLength: MAX_COLLECTION_ID_LENGTH,
        description: 'The collection to copy from. The caller needs any level of access to it.',
      }),
      destinationCollectionId: collectionId.openapi({
        minLength: 1,
        maxLength: MAX_COLLECTION_ID_LENGTH,
        description: 'The collection to copy to. The caller needs readwrite or higher.',
      }),
      fileName: fileName.openapi({ minLength: 1, maxLength: 1024, description: `The file to copy. ${NAME_RULES}` }),
      destinationFileName: fileName
        .optional()
        .openapi({ minLength: 1, maxLength: 1024, description: 'The name of the copy; default: `fileName`.' }),
    },
    { error: 'must be an object that names one file' },
  )
  .openapi('FileEntry');

const PRIORITY_RULE = 'must be a whole number from 1 to 5';

const copyOptions = z
  .strictObject(
    {
      overwrite: z
        .enum(OVERWRITE_MODES, { error: `must be one of ${OVERWRITE_MODES.join(', ')}` })
        .default(DEFAULT_OPTIONS.overwrite)
        .openapi({ description: 'What happens to a file that is already there.' }),
      onLocked: z
        .enum(ON_LOCKED_MODES, { error: `must be one of ${ON_LOCKED_MODES.join(', ')}` })
        .default(DEFAULT_OPTIONS.onLocked)
        .openapi({
          description:
            'What happens where another job, or somebody by hand, holds a file locked: the request is refused (423), it ' +
            'waits for up to an hour, or it does without the file.',
        }),
      priority: z
        .int({ error: PRIORITY_RULE })
        .min(1, { error: PRIORITY_RULE })
        .max(5, { error: PRIORITY_RULE })
        .default(DEFAULT_OPTIONS.priority)
        .openapi({ description: '1 goes first, 5 last.' }),
      dryRun: z
        .boolean({ error: 'must be true or false' })
        .default(DEFAULT_OPTIONS.dryRun)
        .openapi({ description: 'Checks access and names, takes no lock, copies nothing; tells what would happen.' }),
    },
    { error: 'must be an object' },
  )
  .openapi('CopyOptions');

/** The body of POST /apollo/files/copy. Unknown fields are refused, not ignored. */
export const copyRequestBody = z
  .strictObject(
    {
      copyFileCollectionData: z
        .array(fileEntry, {
          error: ({ input }) => (input === undefined ? 'is required' : 'must be a list of the files to copy'),
        })
        .min(1, { error: 'must name at least one file' })
        .max(MAX_INLINE_ENTRIES, { error: `must have at most ${MAX_INLINE_ENTRIES} entries` }),
      options: copyOptions.optional(),
    },
    { error: 'must be a JSON object' },
  )
  .openapi('CopyRequest', {
    example: {
      copyFileCollectionData: [
        {
          sourceCollectionId: 'example-collection-original',
          destinationCollectionId: 'example-collection-copy',
          fileName: 'example_image.jpg',
        },
        {
          sourceCollectionId: 'example-collection-original',
          destinationCollectionId: 'example-collection-copy',
          fileName: 'example_json.json',
        },
      ],
    },
  });

export type CopyRequestBody = z.infer<typeof copyRequestBody>;
