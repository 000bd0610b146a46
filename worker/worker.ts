import { Client } from '@temporalio/client';
import { Worker, type NativeConnection, type WorkerDeploymentOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { WorkerConfig } from '../config/config.ts';
import type { Logger } from '../config/logger.ts';
import type { TemporalConfig } from '../config/temporal.ts';
import { createStorage } from '../storage/index.ts';
import { Lanes } from '../storage/pacing/lanes.ts';
import { handOverAtShutdown } from './hand-over.ts';
import { createJobDirectory } from './job-directory.ts';
import { workflowCode } from './workflow-bundle.ts';

export interface WorkerProcess {
  /** Polls until the process is told to stop; settles once what was in flight is finished or handed over. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a worker on this connection, which does not poll yet. Throws where the namespace cannot be used. */
export async function createWorker(
  config: WorkerConfig,
  temporal: TemporalConfig,
  connection: NativeConnection,
  log: Logger,
): Promise<WorkerProcess> {
  const client = new Client({ connection, namespace: temporal.namespace });
  const activities = createActivities({
    storage: createStorage(config.storage),
    lanes: new Lanes({ lanes: config.copyConcurrency, followsGuideline: config.bucketRamp === 'guideline' }),
    jobs: createJobDirectory(client),
    log,
  });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: config.taskQueue,
    ...(await workflowCode(log)),
    ...(config.deployment && { workerDeploymentOptions: asVersion(config.deployment) }),
    activities,
    interceptors: { activity: [handOverAtShutdown] },
    maxConcurrentActivityTaskExecutions: config.copyConcurrency,
    // A cancelled copy hears of it with its next heartbeat, so that nothing new is written a second later.
    maxHeartbeatThrottleInterval: '250 milliseconds',
    defaultHeartbeatThrottleInterval: '250 milliseconds',
    // SIGTERM to exit within 10 s: attempts still running after 5 s are handed over.
    shutdownGraceTime: '5 seconds',
    shutdownForceTime: '9 seconds',
  });
  return {
    run: () => worker.run(),
    close: () => connection.close(),
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
