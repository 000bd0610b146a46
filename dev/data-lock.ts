import { join } from 'node:path';
import { tryLock } from './process-lock.ts';

/** Another process uses the data folder; the message says which. */
export class DataLockedError extends Error {
  override readonly name = 'DataLockedError';
}

/** Takes a data folder for this process; returns what gives it back. Throws DataLockedError. */
export async function lockDataFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'lock');
  const attempt = await tryLock(file);
  if ('release' in attempt) return attempt.release;
  throw new DataLockedError(`${folder} is in use by process ${attempt.holder}: end it first (lock file: ${file})`);
}
