import { isStorageError } from '../../../storage/errors.ts';
import { findObjects, type FoundObject } from '../../../storage/find-objects.ts';
import type { ObjectRef, ObjectStore } from '../../../storage/objects.ts';
import { refusalReason } from '../../failures.ts';
import type { ChunkFile } from './chunk-file.ts';

/** What was found out about destinations before: what is there by bucket and name, and when that was. */
export interface SeenDestinations {
  found: FoundByBucket;
  /** By the monotonic clock, when all of it had been told. */
  at: number;
  /** When the locks were last seen to stand; undefined: they were not. */
  stoodAt: number | undefined;
}

/** Under what is kept what was seen of a chunk's destinations: of that chunk, as it was planned then. */
export function seenKey(correlationId: string, chunk: number, planGeneration: string | undefined): string {
  return `${correlationId} ${chunk} ${planGeneration}`;
}

/**
 * Finds out what is at both sides of these files, by listing the ranges of their names; `seen`: what there was at all
 * destinations a moment ago, where that is known. A file that storage refuses to tell of is marked. Throws StorageError
 * where the failure is passing.
 */
export async function lookUp(
  objects: ObjectStore,
  files: readonly ChunkFile[],
  seen?: SeenDestinations,
): Promise<void> {
  const unpinned = files.filter(({ sourceState }) => sourceState === undefined);
  const [sources, destinations] = await Promise.all([
    findAll(objects, unpinned, ({ source }) => source),
    seen?.found ?? findAll(objects, files, ({ destination }) => destination),
  ]);
  const seenAt = seen?.at ?? performance.now();
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
