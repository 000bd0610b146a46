import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CollectionDocument, Emulator } from './emulator.ts';

/** The documented example: two collections and two files. */

const FOLDER = join(import.meta.dirname, 'example');

export const EXAMPLE_FILES = [
  { fileName: 'example_image.jpg', contentType: 'image/jpeg' },
  { fileName: 'example_json.json', contentType: 'application/json' },
] as const;

const SOURCE = { collectionId: 'example-collection-original', bucket: 'example-original', prefix: 'files/' };
const DESTINATION = { collectionId: 'example-collection-copy', bucket: 'example-copy', prefix: 'copies/' };

/** The request of the API's documentation. */
export const EXAMPLE_REQUEST = {
  copyFileCollectionData: EXAMPLE_FILES.map(({ fileName }) => ({
    sourceCollectionId: SOURCE.collectionId,
    destinationCollectionId: DESTINATION.collectionId,
    fileName,
  })),
};

/** Makes both collections and the source's files, where they are missing; `caller` may read one and write the other. */
export async function makeExample(emulator: Emulator, caller: string): Promise<void> {
  const collections: CollectionDocument[] = [
    { ...SOURCE, collectionName: 'Example: originals', acl: { readonly: [caller] } },
    { ...DESTINATION, collectionName: 'Example: copies', acl: { readwrite: [caller] } },
  ];
  for (const collection of collections) await emulator.putCollection(collection, { onlyIfMissing: true });
  for (const { fileName, contentType } of EXAMPLE_FILES) {
    const content = await readFile(join(FOLDER, fileName));
    const options = { contentType, onlyIfMissing: true };
    await emulator.putObject(SOURCE.bucket, SOURCE.prefix + fileName, content, options);
  }
}

/** Where a file of the example and its copy are in storage. */
export function exampleObjects(fileName: string): { source: [string, string]; copy: [string, string] } {
  return {
    source: [SOURCE.bucket, SOURCE.prefix + fileName],
    copy: [DESTINATION.bucket, DESTINATION.prefix + fileName],
  };
}
