import type { Requestor } from '../../contract/messages.ts';
import type { Viewer } from '../jobs/job-service.ts';

export const SCOPES = ['apollo_read', 'apollo_write', 'apollo_admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, as the token says: as whom, and with which of our scopes. */
export interface Caller {
  requestor: Requestor;
  scopes: ReadonlySet<Scope>;
}

/** How this caller looks at jobs: administrators see everyone's. */
export function viewerOf({ requestor, scopes }: Caller): Viewer {
  return { caller: requestor.caller, isAdmin: scopes.has('apollo_admin' satisfies Scope) };
}
