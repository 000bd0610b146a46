import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './alive.ts';

/** Larger than any process id. */
const NOBODY = 2 ** 31 - 1;

const TURN_POLL_MS = 5;
const TURN_LIMIT_MS = 10_000;

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
      await removeStale(file);
    }
  } finally {
    await rm(own, { force: true });
  }
  return { release: () => rm(file, { force: true }) };
}

/**
 * Removes a lock that was left behind. Of several that found it, one at a time looks again and removes it: it could be
 * the next holder's by then.
 */
async function removeStale(file: string): Promise<void> {
  const turn = `${file}.turn`;
  try {
    await mkdir(turn);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    await removeOld(turn);
    await delay(TURN_POLL_MS);
    return;
  }
  try {
    const holder = await holderOf(file);
    if (holder !== undefined && !isAlive(holder)) await rm(file, { force: true });
  } finally {
    await rm(turn, { recursive: true, force: true });
  }
}

/** A turn takes milliseconds; an old one was left behind itself. */
async function removeOld(turn: string): Promise<void> {
  const { mtimeMs } = await stat(turn).catch(() => ({ mtimeMs: Date.now() }));
  if (Date.now() - mtimeMs > TURN_LIMIT_MS) await rm(turn, { recursive: true, force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Undefined where there is no such file; a file without a process id in it belongs to nobody who lives. */
async function holderOf(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : NOBODY;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
