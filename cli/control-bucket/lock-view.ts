import { isPrefixRef, type LockTarget } from '../../storage/lock-targets.ts';
import type { Lock, LockOwner } from '../../storage/locks.ts';
import { printable, timeText } from '../text.ts';
import { targetText } from './lock-target.ts';

/** A lock as JSON tells it. */
export function lockView(lock: Lock<LockTarget>) {
  const { bucket, owner, generation, createdAt } = lock;
  const on = isPrefixRef(lock) ? { prefix: lock.prefix } : { name: lock.name };
  const since = Number.isNaN(createdAt) ? null : new Date(createdAt).toISOString();
  return { bucket, ...on, owner, since, generation };
}

/** Whose lock it is, in words. */
export function ownerText(owner: LockOwner): string {
  return owner.kind === 'job'
    ? `job ${printable(owner.correlationId)}`
    : `${printable(owner.who)}, by hand: ${printable(owner.why)}`;
}

/** A lock in words: what it is on, whose it is, since when. */
export function lockText(lock: Lock<LockTarget>): string {
  return `${targetText(lock)}, locked by ${ownerText(lock.owner)} (since ${timeText(lock.createdAt)} UTC)`;
}
