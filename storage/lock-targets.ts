import type { ObjectRef } from './objects.ts';

/** Everything in a bucket whose name starts with a prefix: any text, not only folders; the empty one is all there is. */
export interface PrefixRef {
  bucket: string;
  prefix: string;
}

/** What a lock may be on. */
export type LockTarget = ObjectRef | PrefixRef;

export function isPrefixRef(target: LockTarget): target is PrefixRef {
  return 'prefix' in target;
}

/** One text for one target. Bucket names hold no line feed, and a prefix never has the text of an object. */
export function targetKey(target: LockTarget): string {
  return isPrefixRef(target) ? `${target.bucket}\np\n${target.prefix}` : `${target.bucket}\no\n${target.name}`;
}

/** Whether there may be an object that belongs to both: locks on two such targets exclude each other. */
export function overlap(one: LockTarget, other: LockTarget): boolean {
  if (one.bucket !== other.bucket) return false;
  if (isPrefixRef(one)) {
    const covered = isPrefixRef(other) ? other.prefix : other.name;
    return covered.startsWith(one.prefix) || (isPrefixRef(other) && one.prefix.startsWith(other.prefix));
  }
  return isPrefixRef(other) ? one.name.startsWith(other.prefix) : one.name === other.name;
}

/** What a lock, say, is on, without what else is known of it. */
export function placeOf<Target extends LockTarget>(target: Target): Target {
  const { bucket } = target;
  // A target has no more than these.
  return (isPrefixRef(target) ? { bucket, prefix: target.prefix } : { bucket, name: target.name }) as Target;
}
