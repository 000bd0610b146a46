import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { checkAccess, type AccessTask } from '../../activities/access/check-access.ts';
import type { SeenDestinations } from '../../activities/copying/chunk/look-up.ts';
import { claimJob, type ClaimTask } from '../../activities/record/claim-job.ts';
import {
  createActivities,
  LeaseGroups,
  type ActivityDependencies,
  type JobDirectory,
  type JobExecution,
} from '../../activities/index.ts';
import { closeRecord, type CloseRecordTask } from '../../activities/record/job-record.ts';
import { lockPrefixes, type PrefixLockTask } from '../../activities/locks/lock-prefixes.ts';
import { planList, type PlanListTask } from '../../activities/planning/plan-list.ts';
import { releasePrefixLocks, type PrefixReleaseTask } from '../../activities/locks/release-locks.ts';
import { takeLocks, type LockTask } from '../../activities/locks/take-locks.ts';
import type { FileRecord, JobOwner } from '../../contract/messages.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { StorageModule } from '../../storage/index.ts';
import { Lanes } from '../../storage/pacing/lanes.ts';
import { RecentlyMade } from '../../storage/recently-made.ts';
import { newOwner } from '../storage/owners.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';

export { newOwner };

type Info = NonNullable<ConstructorParameters<typeof MockActivityEnvironment>[0]>;

/** What Temporal says of jobs, as the test decides. A job nobody has spoken of runs. */
export class TestJobs implements JobDirectory {
  readonly namespace = 'default';
  readonly #states = new Map<string, 'running' | 'ended' | 'unknown' | 'unreachable'>();
  readonly #owners = new Map<string, JobOwner>();
  /** Whether reconciliations can be started. */
  isReconciling = true;
  /** Correlation ids that were asked about. */
  readonly asked: string[] = [];

  say(owner: JobOwner, state: 'running' | 'ended' | 'unknown' | 'unreachable'): void {
    this.#states.set(owner.correlationId, state);
    this.#owners.set(owner.correlationId, owner);
  }

  /** What workflows that are closed tell of their files; an error: nobody answers. */
  readonly files = new Map<string, FileRecord[] | Error>();

  filesOf({ correlationId }: JobOwner): Promise<FileRecord[] | undefined> {
    const told = this.files.get(correlationId);
    return told instanceof Error ? Promise.reject(told) : Promise.resolve(told);
  }

  readonly reconciled: string[] = [];
  /** When the workflow of an ended job was closed, and what its job's state was then. */
  last: { endedAt: number; state: string } = { endedAt: 1_000, state: 'Processing' };

  async find(correlationId: string): Promise<JobExecution | undefined> {
    const owner = this.#owners.get(correlationId);
    const state = await this.stateOf(owner ?? { ...newOwner(), correlationId });
    if (state === 'unknown') return undefined;
    const { firstRunId = '' } = owner ?? {};
    return state === 'running'
      ? { isRunning: true, firstRunId, endedAt: null, state: 'Processing' }
      : { isRunning: false, firstRunId, ...this.last };
  }

  reconcile(correlationId: string): Promise<void> {
    this.reconciled.push(correlationId);
    return this.isReconciling ? Promise.resolve() : Promise.reject(new Error('Temporal is unreachable'));
  }

  stateOf(owner: JobOwner): Promise<'running' | 'ended' | 'unknown'> {
    this.asked.push(owner.correlationId);
    const state = this.#states.get(owner.correlationId) ?? 'running';
    return state === 'unreachable' ? Promise.reject(new Error('Temporal is unreachable')) : Promise.resolve(state);
  }
}

/** The activities, and the steps that `admitJob`, `admitBulk` and `closeJob` are made of, which run inside them. */
function createSteps(deps: ActivityDependencies) {
  return {
    ...createActivities(deps),
    claimJob: (task: ClaimTask) => claimJob(deps, task),
    checkAccess: (task: AccessTask) => checkAccess(deps, task),
    takeLocks: (task: LockTask) => takeLocks(deps, task),
    lockPrefixes: (task: PrefixLockTask) => lockPrefixes(deps, task),
    planList: (task: PlanListTask) => planList(deps, task),
    releasePrefixLocks: (task: PrefixReleaseTask) => releasePrefixLocks(deps, task),
    closeRecord: (task: CloseRecordTask) => closeRecord(deps, task),
  };
}

type Steps = ReturnType<typeof createSteps>;

/** An attempt of an activity, under way. */
export interface Attempt<T> {
  result: Promise<T>;
  environment: MockActivityEnvironment;
}

/** The activities with storage of their own. */
export interface ActivityTest extends TestStorage {
  readonly storage: StorageModule;
  readonly jobs: TestJobs;
  /** The time by which the sweep judges; the system's where it is undefined. */
  now: number | undefined;
  /** What was seen of destinations as they were planned. */
  readonly seen: RecentlyMade<SeenDestinations>;
  /** Lines of the log, parsed. */
  readonly logged: Record<string, unknown>[];
  /** Starts an activity as a worker does. */
  start<Name extends keyof Steps>(
    name: Name,
    task: Parameters<Steps[Name]>[0],
    info?: Info,
  ): Attempt<Awaited<ReturnType<Steps[Name]>>>;
  /** Runs an activity to its end. */
  run<Name extends keyof Steps>(
    name: Name,
    task: Parameters<Steps[Name]>[0],
    info?: Info,
  ): Promise<Awaited<ReturnType<Steps[Name]>>>;
}

/** What a worker tells an activity, where the test has nothing else to say. */
const INFO: Info = { heartbeatTimeoutMs: 10_000 };

/** How long records are kept here, in milliseconds. */
export const RETENTION_MS = 7 * 24 * 60 * 60_000;

const SILENT = new DefaultLogger('ERROR', () => undefined);

/** Without lanes that it is given, each attempt has some of its own: a Retry-After of one is not waited for by another. */
export async function makeActivityTest({ lanes }: { lanes?: Lanes } = {}): Promise<ActivityTest> {
  const testStorage = await makeTestStorage();
  const storage = testStorage.connect();
  const jobs = new TestJobs();
  const seen = new RecentlyMade<SeenDestinations>({ most: 16, forMs: 5_000 });
  const logged: Record<string, unknown>[] = [];
  const write = (line: string) => logged.push(JSON.parse(line) as Record<string, unknown>);
  const log = pino({ base: null }, { write });
  const clock = { now: () => test.now ?? Date.now() };
  const start: ActivityTest['start'] = (name, task, info) => {
    const own = lanes ?? new Lanes({ lanes: 64, followsGuideline: false });
    const activities = createSteps({
      storage,
      lanes: own,
      leases: new LeaseGroups(),
      jobs,
      seen,
      log,
      retentionMs: RETENTION_MS,
      clock,
    });
    const environment = new MockActivityEnvironment({ ...INFO, activityType: name, ...info }, { logger: SILENT });
    const activity = activities[name] as (task_: unknown) => Promise<never>;
    return { environment, result: environment.run(activity, task) };
  };
  const run: ActivityTest['run'] = (name, task, info) => start(name, task, info).result;
  const test: ActivityTest = { ...testStorage, storage, jobs, seen, logged, now: undefined, start, run };
  return test;
}

interface ExpectedFailure {
  retryable: boolean;
  message?: RegExp;
  /** Milliseconds. */
  nextRetryDelay?: number;
  /** Retries so far. */
  retryCount?: number;
}

/** Waits for the failure that Temporal and the job's record will see. */
export async function failsWith(
  result: Promise<unknown>,
  code: ReasonCode,
  { retryable, message = /./, nextRetryDelay, retryCount = 0 }: ExpectedFailure,
): Promise<void> {
  const error = await result.then(
    (value: unknown) => assert.fail(`no failure, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw error;
  assert.equal(error.type, code);
  assert.ok(error.message.startsWith(`${code}: `), error.message);
  assert.match(error.message, message);
  assert.deepEqual(
    { nonRetryable: error.nonRetryable, nextRetryDelay: error.nextRetryDelay ?? undefined, details: error.details },
    { nonRetryable: !retryable, nextRetryDelay, details: [retryCount] },
  );
}
