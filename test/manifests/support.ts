import fc from 'fast-check';
import { collectionIdProblem } from '../../contract/collection-id.ts';
import { fileNameProblem } from '../../contract/file-name.ts';
import type { FileEntry } from '../../contract/messages.ts';
import type { EntryLine } from '../../manifests/file-entry.ts';
import type { ManifestFormat } from '../../contract/manifest-format.ts';
import { readManifest } from '../../manifests/read-manifest.ts';

/** A content cut into pieces at these places, wherever they are, as a connection may deliver it. */
export async function* inPieces(
  content: Uint8Array | string,
  cuts: readonly number[] = [],
): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other);
  let start = 0;
  for (const end of [...places, bytes.length]) {
    yield bytes.subarray(start, end);
    start = end;
    await Promise.resolve();
  }
}

/** Where to cut: for `inPieces`. */
export const cuts = fc.array(fc.nat(10_000), { maxLength: 8 });

/** A file name that is allowed, of any characters. */
export const fileName = fc
  .oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), fc.stringMatching(/^[a-c"',/ .]{1,10}$/))
  .filter((name) => fileNameProblem(name) === undefined);

const collectionId = fc
  .oneof(fc.constantFrom('a', 'b'), fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }))
  .filter((id) => collectionIdProblem(id) === undefined);

export const fileEntry: fc.Arbitrary<FileEntry> = fc.record(
  {
    ...{ sourceCollectionId: collectionId, destinationCollectionId: collectionId },
    ...{ fileName, destinationFileName: fileName },
  },
  { noNullPrototype: true },
);

/** All lines of a manifest. */
export async function readAll(
  content: Uint8Array | string,
  format: Partial<ManifestFormat> = {},
  at: readonly number[] = [],
): Promise<EntryLine[]> {
  return await Array.fromAsync(readManifest(inPieces(content, at), { syntax: 'ndjson', gzip: false, ...format }));
}

/** An entry from a to b. */
export const entry = (name: string, destinationFileName = name): FileEntry => ({
  ...{ sourceCollectionId: 'a', destinationCollectionId: 'b' },
  ...{ fileName: name, destinationFileName },
});

/** Lines and what is wrong with them; undefined: nothing. */
export const problems = (lines: readonly EntryLine[]) => lines.map(({ line, problem }) => [line, problem]);
