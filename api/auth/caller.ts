import type { Requestor } from '../../contract/messages.ts';
import type { Viewer } from '../jobs/job-service.ts';

export type Scope = 'apollo_read' | 'apollo_write' | 'apollo_admin';

/** Who asks, as the token says: as whom, and with which scopes. */
export interface Caller {
  requestor: Requestor;
  scopes: ReadonlySet<string>;
}

/** How this caller looks at jobs: administrators see everyone's. */
export function viewerOf({ requestor, scopes }: Caller): Viewer {
  return { caller: requestor.caller, isAdmin: scopes.has('apollo_admin' satisfies Scope) };
}
