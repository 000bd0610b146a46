import type { Emulator } from '../dev/emulator.ts';
import type { StorageControl } from './storage-control.ts';

/** Who posts the jobs. */
export const CALLER = 'bench';

/** Buckets and collections of the benchmark. */
export const BUCKETS = {
  source: 'bench-source',
  destination: 'bench-destination',
  rclone: 'bench-rclone',
  small: 'bench-small',
} as const;

export const COLLECTIONS = {
  source: 'bench-source',
  destination: 'bench-destination',
  /** Where jobs of two files copy from and to, apart from the long ones. */
  smallSource: 'bench-small-source',
  smallDestination: 'bench-small-destination',
} as const;

const SMALL_FILES = ['one.txt', 'two.txt'];

/** Bytes of each of the many objects. What it is makes no difference to a copy on the server. */
const OBJECT_SIZE = 1_024;

/** Makes all buckets and collections, and the two files of short jobs. */
export async function makeLayout(emulator: Emulator): Promise<void> {
  const acl = { owner: [CALLER] };
  const put = (collectionId: string, bucket: string, prefix: string) =>
    emulator.putCollection({ collectionId, collectionName: collectionId, bucket, prefix, acl });
  await put(COLLECTIONS.source, BUCKETS.source, 'files/');
  await put(COLLECTIONS.destination, BUCKETS.destination, '');
  await put(COLLECTIONS.smallSource, BUCKETS.small, 'source/');
  await put(COLLECTIONS.smallDestination, BUCKETS.small, 'destination/');
  await emulator.makeBucket(BUCKETS.rclone);
  for (const name of SMALL_FILES) await emulator.putObject(BUCKETS.small, `source/${name}`, name);
}

/**
 * Many source files, made where they are missing; gives their folder, `10000/`, within the source collection. They are in
 * folders of 1,000 in there, or all in a single one.
 */
export async function makeFiles(
  storage: StorageControl,
  count: number,
  options: { inOneFolder?: boolean } = {},
): Promise<string> {
  const inOneFolder = options.inOneFolder === true;
  const folder = `${count}${inOneFolder ? '-in-one' : ''}/`;
  const prefix = `files/${folder}`;
  const { objects } = await storage.bucket(BUCKETS.source, prefix);
  if (objects < count) {
    const folders = inOneFolder && { folderSize: count };
    await storage.fill({ bucket: BUCKETS.source, prefix, count, size: OBJECT_SIZE, ...folders });
  }
  return folder;
}

/** A request to copy the two small files, to names that no other request has. */
export function smallRequest(unique: string): unknown {
  return {
    copyFileCollectionData: SMALL_FILES.map((fileName) => ({
      sourceCollectionId: COLLECTIONS.smallSource,
      destinationCollectionId: COLLECTIONS.smallDestination,
      fileName,
      destinationFileName: `${unique}/${fileName}`,
    })),
  };
}

/** A request to copy everything in a folder of the source collection. */
export function folderRequest(folder: string): unknown {
  const { source, destination } = COLLECTIONS;
  return { collection: { sourceCollectionId: source, destinationCollectionId: destination, prefix: folder } };
}

/** An entry of a list or manifest. */
export function entryOf(fileName: string): Record<string, string> {
  return { sourceCollectionId: COLLECTIONS.source, destinationCollectionId: COLLECTIONS.destination, fileName };
}

/** Puts a manifest of these files beside the source files, and gives the request to copy what it lists. */
export async function putManifest(emulator: Emulator, name: string, fileNames: Iterable<string>): Promise<unknown> {
  const lines = Array.from(fileNames, (listed) => `${JSON.stringify(entryOf(listed))}\n`);
  const fileName = `manifests/${name}.ndjson`;
  await emulator.putObject(BUCKETS.source, `files/${fileName}`, lines.join(''));
  return { manifest: { collectionId: COLLECTIONS.source, fileName } };
}
