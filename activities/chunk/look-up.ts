import { isStorageError } from '../../storage/errors.ts';
import { findObjects, type FoundObject } from '../../storage/find-objects.ts';
import type { ObjectRef, ObjectStore } from '../../storage/objects.ts';
import { refusalReason } from '../failures.ts';
import type { ChunkFile } from './chunk-file.ts';

/**
 * Finds out what is at both sides of these files, by listing the ranges of their names. A file that storage refuses to
 * tell of is marked. Throws StorageError where the failure is passing.
 */
export async function lookUp(objects: ObjectStore, files: readonly ChunkFile[]): Promise<void> {
  const unpinned = files.filter(({ sourceState }) => sourceState === undefined);
  const [sources, destinations] = await Promise.all([
    findAll(objects, unpinned, ({ source }) => source),
    findAll(objects, files, ({ destination }) => destination),
  ]);
  const seenAt = performance.now();
  for (const file of unpinned) {
    const found = at(sources, file.source);
    if (isStorageError(found)) file.refusal = refusalReason(found);
    else file.sourceState = found;
  }
  for (const file of files) {
    const found = at(destinations, file.destination);
    if (isStorageError(found)) file.refusal = refusalReason(found);
    else file.existing = found;
    file.seenAt = seenAt;
  }
}

type FoundByBucket = ReadonlyMap<string, ReadonlyMap<string, FoundObject>>;

async function findAll(
  objects: ObjectStore,
  files: readonly ChunkFile[],
  placeOf: (file: ChunkFile) => ObjectRef,
): Promise<FoundByBucket> {
  const names = new Map<string, string[]>();
  for (const file of files) {
    const { bucket, name } = placeOf(file);
    const inBucket = names.get(bucket);
    if (inBucket === undefined) names.set(bucket, [name]);
    else inBucket.push(name);
  }
  const found = Array.from(names, async ([bucket, inBucket]) => {
    return [bucket, await findObjects(objects, bucket, inBucket)] as const;
  });
  return new Map(await Promise.all(found));
}

function at(found: FoundByBucket, { bucket, name }: ObjectRef): FoundObject {
  return found.get(bucket)?.get(name);
}
