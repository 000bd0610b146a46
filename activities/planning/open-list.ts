import { objectNameProblem } from '../../contract/file-name.ts';
import { objectIn } from '../../contract/locate.ts';
import { manifestExtensionProblem, manifestFormat } from '../../contract/manifest-format.ts';
import type { BulkSource, CollectionLocation, StoredList } from '../../contract/messages.ts';
import type { EntryLine } from '../../manifests/file-entry.ts';
import { ManifestError } from '../../manifests/manifest-error.ts';
import { readManifest } from '../../manifests/read-manifest.ts';
import { StorageError } from '../../storage/errors.ts';
import type { JobInputStore } from '../../storage/job-inputs.ts';
import type { ObjectStream } from '../../storage/object-stream.ts';
import type { ObjectStore } from '../../storage/objects.ts';
import { toControlFailure, toFailure } from '../failures.ts';

type Manifest = Extract<BulkSource, { kind: 'manifest' }>;

/**
 * The lines of a manifest in its collection. Throws ManifestError where it is missing or cannot be read as a whole, and
 * a failure where storage fails.
 */
export async function* openManifest(
  objects: ObjectStore,
  { fileName }: Manifest,
  place: CollectionLocation,
): AsyncGenerator<EntryLine> {
  const format = manifestFormat(fileName);
  const problem = objectNameProblem(place.prefix, fileName) ?? manifestExtensionProblem(fileName);
  if (format === undefined || problem !== undefined) throw new ManifestError(problem);
  try {
    const stream = await openOrRefuse(objects, objectIn(place, fileName));
    // An upload may have compressed it on the way and left it so, whatever it is called.
    const gzip = format.gzip || stream.contentEncoding === 'gzip';
    yield* readManifest(stream.bytes, { ...format, gzip });
  } catch (error) {
    throw toFailure(error);
  }
}

async function openOrRefuse(objects: ObjectStore, ref: { bucket: string; name: string }): Promise<ObjectStream> {
  let stream: ObjectStream | undefined;
  try {
    stream = await objects.readStream(ref);
  } catch (error) {
    if (!(error instanceof StorageError) || error.isTransient) throw error;
    throw new ManifestError(`cannot be read: Cloud Storage answered ${error.message}`, { cause: error });
  }
  if (stream === undefined) throw new ManifestError('does not exist');
  return stream;
}

/** The lines of a list that the API has stored. Throws a retryable failure where storage fails. */
export async function* openStoredList(
  inputs: JobInputStore,
  { object, generation }: StoredList,
): AsyncGenerator<EntryLine> {
  try {
    const stream = await inputs.open({ object, generation });
    if (stream === undefined) throw new StorageError('notFound', `${object} is missing at generation ${generation}`);
    yield* readManifest(stream.bytes, { syntax: 'ndjson', gzip: false });
  } catch (error) {
    throw toControlFailure(error);
  }
}
