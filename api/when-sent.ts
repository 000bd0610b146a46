import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { ApiEnv } from './context.ts';

/** Does something once the answer is out, or nobody takes it any more; at once where it goes to no socket. */
export function whenSent(c: Context<ApiEnv>, act: () => void): void {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  if (outgoing === undefined || outgoing.closed || outgoing.destroyed) act();
  else outgoing.once('close', act);
}
