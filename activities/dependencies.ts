import type { Logger } from '../config/logger.ts';
import type { JobOwner } from '../contract/messages.ts';
import type { StorageModule } from '../storage/index.ts';
import type { Lanes } from '../storage/pacing/lanes.ts';

/** Asks Temporal about jobs. */
export interface JobDirectory {
  /**
   * `running`: the workflow of this very chain of runs is open. `ended`: it is closed, or another chain has taken its
   * id. `unknown`: Temporal has no such workflow. Throws where Temporal cannot be asked.
   */
  stateOf(owner: JobOwner): Promise<'running' | 'ended' | 'unknown'>;
  /** The namespace that is asked. */
  readonly namespace: string;
}

/** What activities need from outside; the worker puts it together. */
export interface ActivityDependencies {
  storage: StorageModule;
  /** What every write of a file passes through. */
  lanes: Lanes;
  jobs: JobDirectory;
  log: Logger;
}
