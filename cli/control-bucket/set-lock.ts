import type { LockTarget } from '../../storage/lock-targets.ts';
import type { Lock, LockStore, ManualOwner } from '../../storage/locks.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { lockText } from './lock-view.ts';

/**
 * Locks a file or prefix by hand, against every job. Like jobs, it makes its own lock first and looks for overlapping
 * ones after that: then one of two sees the other. Locks by hand may overlap. Throws CliError where a job, or another
 * hand on the very same target, holds it; and StorageError.
 */
export async function setLock(locks: LockStore, target: LockTarget, owner: ManualOwner): Promise<Lock<LockTarget>> {
  const attempt = await locks.acquire(target, owner);
  if (!attempt.taken) {
    const { holder } = attempt;
    const isOurs = holder.owner.kind === 'manual' && holder.owner.who === owner.who && holder.owner.why === owner.why;
    if (isOurs) return holder;
    throw new CliError(EXIT.refused, `not taken: ${lockText(holder)}`);
  }
  const { lock } = attempt;
  const others = await locks.findOverlapping([target]).catch(async (error: unknown) => {
    await locks.release(lock, lock.generation);
    throw error;
  });
  const inTheWay = others.find((other) => other.owner.kind === 'job');
  if (inTheWay === undefined) return lock;
  await locks.release(lock, lock.generation);
  throw new CliError(EXIT.refused, `not taken: ${lockText(inTheWay)}`);
}
