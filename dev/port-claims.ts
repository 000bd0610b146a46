import { mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { tryLock } from './process-lock.ts';

/**
 * Ports that a stack has for itself among the stacks of this machine, from choosing them until it ends: a port that was
 * free a moment ago, or whose part is just being restarted, is not taken by another one.
 */
export interface PortClaims {
  /** Claims a port; false where another stack has it. */
  take: (port: number) => Promise<boolean>;
  release: () => Promise<void>;
}

/** No claims yet; `folder` is where all stacks of this user put theirs. */
export function createPortClaims(folder = join(tmpdir(), `apollo-ports-${userInfo().uid}`)): PortClaims {
  const taken: (() => Promise<void>)[] = [];
  return {
    take: async (port) => {
      await mkdir(folder, { recursive: true });
      const attempt = await tryLock(join(folder, String(port)));
      if ('release' in attempt) taken.push(attempt.release);
      return 'release' in attempt;
    },
    release: async () => {
      for (const release of taken.splice(0)) await release();
    },
  };
}
