import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { isAlive } from './alive.ts';

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
      if (holder !== undefined && isAlive(holder)) return { holder };
      await rm(file, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
  return { release: () => rm(file, { force: true }) };
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

async function holderOf(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
