import { randomUUID } from 'node:crypto';
import type { JobOwner } from '../../contract/messages.ts';

/** A job of its own, as the owner of locks. */
export function newOwner(changes: Partial<JobOwner> = {}): JobOwner {
  return { kind: 'job', correlationId: randomUUID(), firstRunId: randomUUID(), namespace: 'default', ...changes };
}
