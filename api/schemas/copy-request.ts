import { z } from '@hono/zod-openapi';
import { fileNameProblem, prefixProblem } from '../../contract/file-name.ts';
import { manifestExtensionProblem } from '../../contract/manifest-format.ts';
import type { RequestError } from '../../contract/messages.ts';
import { copyOptions } from './copy-options.ts';
import { collectionId, fileEntry, NAME_RULES, text } from './file-entry.ts';

/** Where the files of a request may stand: exactly one of these fields. */
const INPUTS = ['copyFileCollectionData', 'manifest', 'collection'] as const;

const manifest = z
  .strictObject(
    {
      collectionId: collectionId('The collection that the list is in. The caller needs any level of access to it.'),
      fileName: text((name) => fileNameProblem(name) ?? manifestExtensionProblem(name)).openapi({
        minLength: 1,
        maxLength: 1024,
        description:
          'The list: one entry a line as JSON (.ndjson), or CSV with the names of the fields as header (.csv), plain ' +
          `or compressed (.gz). ${NAME_RULES}`,
      }),
    },
    { error: 'must be an object that names a file with the list' },
  )
  .openapi('Manifest');

const collection = z
  .strictObject(
    {
      sourceCollectionId: collectionId('The collection to copy from. The caller needs any level of access to it.'),
      destinationCollectionId: collectionId('The collection to copy to. The caller needs readwrite or higher.'),
      prefix: text(prefixProblem).openapi({
        maxLength: 1024,
        description: 'Which files: those whose names start so; "" is all of them. They keep their names.',
      }),
    },
    { error: 'must be an object that names two collections and a prefix' },
  )
  .openapi('CollectionPrefix');

/** What may stand beside a list of files. */
export const fieldsBesideList = z.strictObject(
  {
    manifest: manifest.optional().openapi({ description: 'A list that is kept as a file in a collection.' }),
    collection: collection.optional().openapi({ description: 'Everything under a prefix of a collection.' }),
    options: copyOptions.optional(),
  },
  { error: 'must be a JSON object' },
);

/**
 * The body of POST /apollo/files/copy, but for the rule that exactly one of INPUTS is there. Unknown fields are refused,
 * not ignored.
 */
export const copyRequestBody = fieldsBesideList
  .extend({
    copyFileCollectionData: z
      .array(fileEntry, { error: 'must be a list of the files to copy' })
      // Not `min`, which measures the length of a string as well.
      .refine((entries) => entries.length > 0, { error: 'must name at least one file' })
      .optional()
      .openapi({ minItems: 1, description: 'The files to copy; as many as fit the body.' }),
  })
  .openapi('CopyRequest', {
    description: 'Exactly one of `copyFileCollectionData`, `manifest` and `collection`.',
    oneOf: INPUTS.map((input) => ({ required: [input] })),
  });

export type CopyRequestBody = z.infer<typeof copyRequestBody>;

/** What is wrong with the choice of inputs, by the names of the fields that a request has. */
export function inputMistakes(has: (field: string) => boolean): RequestError[] {
  const [first, ...others] = INPUTS.filter(has);
  if (first === undefined) {
    return [{ path: INPUTS[0], message: `is required, or one of ${INPUTS.slice(1).join(' and ')} instead` }];
  }
  return others.map((path) => ({ path, message: `must not be given together with ${first}` }));
}

const PAIR = {
  sourceCollectionId: 'example-collection-original',
  destinationCollectionId: 'example-collection-copy',
};

/** One request of each kind, for the documentation. */
export const COPY_REQUEST_EXAMPLES: Readonly<
  Record<string, { summary: string; value: z.input<typeof copyRequestBody> }>
> = {
  list: {
    summary: 'Two files',
    value: {
      copyFileCollectionData: [
        { ...PAIR, fileName: 'example_image.jpg' },
        { ...PAIR, fileName: 'example_json.json' },
      ],
    },
  },
  manifest: {
    summary: 'The files that a list in a collection names',
    value: { manifest: { collectionId: PAIR.sourceCollectionId, fileName: 'lists/2026-03.ndjson.gz' } },
  },
  collection: {
    summary: 'Everything under a prefix, no faster than 500 files a second',
    value: { collection: { ...PAIR, prefix: '2026/' }, options: { maxFilesPerSecond: 500 } },
  },
};
