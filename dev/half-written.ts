import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What fake-gcs-server calls a file until all of an object is in it; then it is renamed. */
const TEMPORARY_NAME = /^fake-gcs-object\d+$/;

/**
 * Removes what the storage emulator was writing when it was killed: objects that nobody was told of. It takes them for
 * objects without metadata, and answers 404 to each listing of their bucket. `root`: its folder, which need not be there.
 */
export async function removeHalfWritten(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const halfWritten = entries.filter((entry) => entry.isFile() && TEMPORARY_NAME.test(entry.name));
  for (const { parentPath, name } of halfWritten) await rm(join(parentPath, name), { force: true });
}
