import { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerDeploymentOptions, type WorkerOptions } from '@temporalio/worker';
import { createActivities, LeaseGroups } from '../activities/index.ts';
import type { WorkerConfig } from '../config/config.ts';
import type { Logger } from '../config/logger.ts';
import type { TemporalConfig } from '../config/temporal.ts';
import { bulkTaskQueue, controlTaskQueue, sweepScheduleId } from '../contract/ids.ts';
import { createStorage } from '../storage/index.ts';
import { observedBy } from '../storage/observer.ts';
import { Lanes } from '../storage/pacing/lanes.ts';
import { RecentlyMade } from '../storage/recently-made.ts';
import type { Tracing } from '../telemetry/index.ts';
import { Pulse, refuseLateTasks } from './after-stop.ts';
import { BulkSlots, takingBy } from './bulk-slots.ts';
import { handOverAtShutdown } from './hand-over.ts';
import { createJobDirectory } from './job-directory.ts';
import { keepAlive } from './keep-alive.ts';
import type { WorkerMetrics } from './metrics/index.ts';
import { createRightOfWay, shortWork } from './short-work.ts';
import { ensureSweepSchedule } from './sweep-schedule.ts';
import { activityTracing, tracingSinks } from './tracing.ts';
import { workflowCode } from './workflow-bundle.ts';

/** Chunks whose destinations were seen as they were planned, and how long that is worth keeping, in milliseconds. */
const CHUNKS_SEEN = 16;
const SEEN_FOR_MS = 5_000;

/**
 * Files of lists in hand for each lane. A file has its slot until it is copied, hours where it is huge, and a lane for one
 * call at a time: lanes are shared out among all that are in hand.
 */
const FILES_PER_LANE = 4;

/** Activities of the control queue at a time: each waits for storage, most of them not for long. */
const CONTROL_SLOTS = 100;

/** Requests for them at a time. Of a worker that is stopped, each is given one that is lost until its heartbeats are missed. */
const CONTROL_POLLS = 2;

const DAY_MS = 24 * 60 * 60_000;

export interface WorkerProcess {
  /** Polls until the process is told to stop; settles once what was in flight is finished or handed over. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** What a worker is made of. */
interface WorkerParts {
  config: WorkerConfig;
  temporal: TemporalConfig;
  connection: NativeConnection;
  log: Logger;
  /** Where traces are wanted. */
  tracing: Tracing | undefined;
  metrics: WorkerMetrics;
}

/** Makes a worker on this connection, which does not poll yet. Throws where the namespace cannot be used. */
export async function createWorker(parts: WorkerParts): Promise<WorkerProcess> {
  const { config, temporal, connection, log, tracing, metrics } = parts;
  const client = new Client({ connection, namespace: temporal.namespace });
  const rightOfWay = createRightOfWay();
  const followsGuideline = config.bucketRamp === 'guideline';
  const lanes = new Lanes({ lanes: config.copyConcurrency, followsGuideline, rightOfWay });
  metrics.watch(lanes);
  const activities = createActivities({
    storage: createStorage(config.storage, { observer: observedBy([metrics.storage, tracing?.storage]) }),
    lanes,
    leases: new LeaseGroups(),
    seen: new RecentlyMade({ most: CHUNKS_SEEN, forMs: SEEN_FOR_MS }),
    jobs: createJobDirectory(client, config.taskQueue),
    log,
    retentionMs: config.jobRetentionDays * DAY_MS,
  });
  const common = {
    connection,
    namespace: temporal.namespace,
    ...(config.deployment && { workerDeploymentOptions: asVersion(config.deployment) }),
    activities,
    // A cancelled copy hears of it by a heartbeat, its own or another's, so that nothing new is written a second later.
    maxHeartbeatThrottleInterval: '250 milliseconds',
    defaultHeartbeatThrottleInterval: '250 milliseconds',
    // A worker that is killed has its jobs' workflow tasks for so long, 10 s by default: a cancel among them is to be heard.
    stickyQueueScheduleToStartTimeout: '2 seconds',
    // SIGTERM to exit within 10 s: attempts still running after 5 s are handed over.
    shutdownGraceTime: '5 seconds',
    shutdownForceTime: '9 seconds',
  } satisfies Partial<WorkerOptions>;
  const pulse = new Pulse();
  const activity = [...activityTracing(tracing), metrics.activity, refuseLateTasks(pulse), handOverAtShutdown];
  const { interceptorModules, ...code } = await workflowCode(log);
  const shortActivity = [shortWork(rightOfWay), ...activity];
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: config.taskQueue,
      ...code,
      interceptors: { activity: shortActivity, workflowModules: interceptorModules },
      sinks: tracingSinks(tracing),
      maxConcurrentActivityTaskExecutions: FILES_PER_LANE * config.copyConcurrency,
    }),
    // Slots of their own: no job waits for other jobs' copies to be decided, or to end.
    Worker.create({
      ...common,
      taskQueue: controlTaskQueue(config.taskQueue),
      interceptors: { activity: [...shortActivity, keepAlive] },
      maxConcurrentActivityTaskExecutions: CONTROL_SLOTS,
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: CONTROL_POLLS },
    }),
    // Slots of its own: a file of a short job never waits for a chunk to end.
    Worker.create({
      ...common,
      taskQueue: bulkTaskQueue(config.taskQueue),
      interceptors: { activity },
      tuner: takingBy(new BulkSlots(lanes)),
    }),
  ]);
  await keepSwept(client, config.taskQueue, log);
  return {
    run: () => runAll(workers),
    close() {
      pulse[Symbol.dispose]();
      return connection.close();
    },
  };
}

/** Pinned: a job ends on the version that it started on, so that a new one may change the workflow in any way. */
function asVersion({ name, buildId }: NonNullable<WorkerConfig['deployment']>): WorkerDeploymentOptions {
  return {
    version: { deploymentName: name, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}

/** Runs workers as one: where one of them fails, the others are told to stop. */
async function runAll(workers: readonly Worker[]): Promise<void> {
  const runs = workers.map(async (worker) => {
    try {
      await worker.run();
    } catch (error) {
      for (const other of workers) if (other !== worker && other.getState() === 'RUNNING') other.shutdown();
      throw error;
    }
  });
  const [failed] = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Has Temporal start the sweep now and then. A worker does its work without, where it may not make schedules, say. */
async function keepSwept(client: Client, taskQueue: string, log: Logger): Promise<void> {
  try {
    const outcome = await ensureSweepSchedule(client, taskQueue);
    log.info({ schedule: sweepScheduleId(taskQueue), outcome }, 'the sweep is scheduled');
  } catch (error) {
    log.warn({ err: error, schedule: sweepScheduleId(taskQueue) }, 'cannot schedule the sweep');
  }
}
