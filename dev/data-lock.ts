import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './alive.ts';

/** Another process uses the data folder; the message says which. */
export class DataLockedError extends Error {
  override readonly name = 'DataLockedError';
}

/**
 * Takes a data folder for this process; returns what gives it back. A lock whose process no longer runs is taken over.
 * Throws DataLockedError.
 */
export async function lockDataFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, 'lock');
  const own = join(folder, `lock.${process.pid}`);
  await writeFile(own, `${process.pid}\n`);
  try {
    // A link appears with its content, or not at all: nobody ever reads a lock that has no process id yet.
    while (!(await linked(own, lock))) {
      const holder = await holderOf(lock);
      if (holder !== undefined && isAlive(holder)) {
        throw new DataLockedError(`${folder} is in use by process ${holder}: end it first (lock file: ${lock})`);
      }
      await rm(lock, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
  return () => rm(lock, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(lock: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(lock, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
