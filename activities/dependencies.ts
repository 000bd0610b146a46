import type { Logger } from '../config/logger.ts';
import type { FileRecord, JobOwner } from '../contract/messages.ts';
import type { StorageModule } from '../storage/index.ts';
import type { Lanes } from '../storage/pacing/lanes.ts';
import type { RecentlyMade } from '../storage/recently-made.ts';
import type { SeenDestinations } from './copying/chunk/look-up.ts';
import type { LeaseGroups } from './locks/lease-groups.ts';
import type { LockClock } from './locks/lock-clock.ts';

/** What Temporal knows of a workflow. */
export interface JobExecution {
  isRunning: boolean;
  /** The first run of its chain. */
  firstRunId: string;
  /** When it was closed, in milliseconds since the epoch; null where it runs. */
  endedAt: number | null;
  /** The job's state that it showed last. */
  state: string | undefined;
}

/** Asks Temporal about jobs. */
export interface JobDirectory {
  /**
   * `running`: the workflow of this very chain of runs is open. `ended`: it is closed, or another chain has taken its
   * id. `unknown`: Temporal has no such workflow. Throws where Temporal cannot be asked.
   */
  stateOf(owner: JobOwner): Promise<'running' | 'ended' | 'unknown'>;
  /** The latest workflow with this id, whatever chain it is of; undefined: there is none. Throws as above. */
  find(correlationId: string): Promise<JobExecution | undefined>;
  /**
   * What the workflow of this chain of runs, which is closed, tells of the job's files now. A worker goes through its
   * history for that, and may run the local activities again that the last workflow task was waiting for: the job's record
   * has to be marked as lost before. Undefined: Temporal has it no more, or another chain has taken its id. Throws where
   * nobody answers.
   */
  filesOf(owner: JobOwner): Promise<FileRecord[] | undefined>;
  /** Has a job that was ended by force settled; that is under way when this returns. Throws as above. */
  reconcile(correlationId: string): Promise<void>;
  /** The namespace that is asked. */
  readonly namespace: string;
}

/** What activities need from outside; the worker puts it together. */
export interface ActivityDependencies {
  storage: StorageModule;
  /** What every write of a file passes through. */
  lanes: Lanes;
  /** The attempts of this process, by what stops them. */
  leases: LeaseGroups;
  jobs: JobDirectory;
  /** Destinations of chunks that were looked at as they were planned (see `seenKey`). Default: that is forgotten. */
  seen?: RecentlyMade<SeenDestinations>;
  log: Logger;
  /** How long the record of a job that has ended is kept, in milliseconds. */
  retentionMs: number;
  /** By which it is told how old something is, and when it was settled. Default: the system's. */
  clock?: Pick<LockClock, 'now'>;
}
