import type { StorageModule } from '../../storage/index.ts';
import type { JobRecordStore } from '../../storage/job-records.ts';
import { isPrefixRef, type LockTarget } from '../../storage/lock-targets.ts';
import type { Lock, LockStore } from '../../storage/locks.ts';
import { CliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { confirm } from './confirm.ts';
import { targetText } from './lock-target.ts';
import { lockText } from './lock-view.ts';
import { stateOfOwner } from './owner-state.ts';

/**
 * Removes a lock at the very generation that was judged. Throws CliError where there is none, where its job runs (or
 * nobody can tell) and `force` is not given, where the person says no; and StorageError, ConfigError.
 */
export async function breakLock(
  { locks, records }: Pick<StorageModule, 'locks' | 'records'>,
  target: LockTarget,
  { context, yes, force }: { context: CliContext; yes: boolean; force: boolean },
): Promise<Lock<LockTarget>> {
  const lock = await locks.read(target);
  if (lock === undefined) {
    throw new CliError(EXIT.refused, `there is no lock on ${targetText(target)}${await prefixHint(locks, target)}`);
  }
  const doubt = force ? undefined : await doubtAbout(lock, { context, records });
  if (doubt !== undefined) throw new CliError(EXIT.refused, `not broken (--force): ${lockText(lock)}; ${doubt}`);
  if (!yes && !(await confirm(`${lockText(lock)}. Break it?`, context))) {
    throw new CliError(EXIT.refused, 'not broken');
  }
  if (await locks.release(lock, lock.generation)) return lock;
  throw new CliError(EXIT.refused, `not broken: the lock on ${targetText(target)} changed meanwhile`);
}

/** Where what was meant may be the lock on everything whose name starts so. */
async function prefixHint(locks: LockStore, target: LockTarget): Promise<string> {
  if (isPrefixRef(target)) return '';
  const { bucket, name: prefix } = target;
  return (await locks.read({ bucket, prefix })) === undefined ? '' : '; there is one on that as a prefix: --prefix';
}

/** Why a lock may be needed still. */
async function doubtAbout(
  { owner }: Lock<LockTarget>,
  by: { context: CliContext; records: JobRecordStore },
): Promise<string | undefined> {
  if (owner.kind === 'manual') return undefined;
  const state = await stateOfOwner(owner, by);
  if (state === 'ended') return undefined;
  return state === 'running' ? `the job runs: apollo cancel ${owner.correlationId}` : state.unknown;
}
