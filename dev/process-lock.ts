import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isAlive } from './alive.ts';

/** Larger than any process id. */
const NOBODY = 2 ** 31 - 1;

/** A lock that is ours, or the id of the process whose it is. */
export type LockAttempt = { release: () => Promise<void> } | { holder: number };

/**
 * Tries to take a lock file for this process. One whose process no longer runs is taken over; one of this very process
 * counts as held.
 */
export async function tryLock(file: string): Promise<LockAttempt> {
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, `${process.pid}\n`);
  try {
    // A link appears with its content, or not at all: nobody ever reads a lock that has no process id yet.
    while (!(await linked(own, file))) {
      const holder = await holderOf(file);
      if (holder === undefined) continue;
      if (isAlive(holder)) return { holder };
      await removeStale(file, `${own}.stale`);
    }
  } finally {
    await rm(own, { force: true });
  }
  return { release: () => rm(file, { force: true }) };
}

/** Moves the lock aside first and looks again: somebody else may have taken it over in the meantime. */
async function removeStale(file: string, aside: string): Promise<void> {
  try {
    await rename(file, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const holder = await holderOf(aside);
  if (holder !== undefined && isAlive(holder)) await linked(aside, file);
  await rm(aside, { force: true });
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

/** Undefined where there is no such file; a file without a process id in it belongs to nobody who lives. */
async function holderOf(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : NOBODY;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
