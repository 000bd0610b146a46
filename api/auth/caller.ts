import type { Context } from 'hono';
import type { Requestor } from '../../contract/messages.ts';
import type { ApiEnv } from '../context.ts';
import type { Viewer } from '../jobs/job-service.ts';

export const SCOPES = ['apollo_read', 'apollo_write', 'apollo_admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, as the token says: as whom, and with which of our scopes. */
export interface Caller {
  requestor: Requestor;
  scopes: ReadonlySet<Scope>;
}

/** Who asks, where that is known: ahead of authentication, and where it fails, it is not. */
export function callerName(c: Context<ApiEnv>): string | undefined {
  // Typed as always there, which it is only behind authentication.
  return (c.get('caller') as Caller | undefined)?.requestor.caller;
}

/** How this caller looks at jobs: administrators see everyone's. */
export function viewerOf({ requestor, scopes }: Caller): Viewer {
  return { caller: requestor.caller, isAdmin: scopes.has('apollo_admin' satisfies Scope) };
}
