import { readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** What fake-gcs-server calls a file until all of an object is in it; then it is renamed. */
const TEMPORARY_NAME = /^fake-gcs-object\d+$/;

/**
 * Finds what the storage emulator was writing when it was killed: it takes that for objects without metadata, and answers
 * 404 to each listing of their bucket. To be looked for before it starts, so that nothing is found that it is writing
 * since. `root`: its folder, which need not be there. Gives paths, among which may be objects that are named so.
 */
export async function findHalfWritten(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && TEMPORARY_NAME.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Removes those of these files that are no objects to the emulator, which runs at `url`. */
export async function removeHalfWritten(paths: readonly string[], root: string, url: string): Promise<void> {
  for (const path of paths) {
    const [bucket = '', ...name] = relative(root, path).split(sep);
    const object = `${encodeURIComponent(bucket)}/o/${encodeURIComponent(name.join('/'))}`;
    const response = await fetch(`${url}/storage/v1/b/${object}`);
    await response.body?.cancel();
    if (response.status === 404) await rm(path, { force: true });
  }
}
