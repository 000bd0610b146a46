import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { Worker, type ActivityInterceptorsFactory } from '@temporalio/worker';
import { bulkTaskQueue, controlTaskQueue } from '../../contract/ids.ts';
import { keepAlive } from '../../worker/keep-alive.ts';
import { afterAllTests } from './root-hooks.ts';
import { sharedTemporal } from './temporal.ts';

/** Recorded histories name the worker by this, not by process and host. */
const WORKER_IDENTITY = 'apollo-test-worker';

/** A worker on a task queue of its own, which runs the real workflows and the activities it is given. */
export interface TestWorker {
  readonly taskQueue: string;
  /** Shuts the worker down in order, as SIGTERM does. */
  stop: () => Promise<void>;
  /** Puts a new worker, which remembers nothing, on the same queue. */
  start: () => Promise<void>;
}

export interface TestWorkerOptions {
  /** `false`: the worker is started by the test. */
  started?: boolean;
  /** Activities (local ones apart) at a time. Default: more than a job may have in flight, so that the job is the limit. */
  slots?: number;
  /** Runs the activities of bulk jobs too, which have a task queue of their own. */
  bulk?: boolean;
  /** Ends the worker with the last test of the run instead of its own. */
  outlivesTest?: boolean;
  /** Where activities have to know it before there is a worker; from `newTaskQueue`. */
  taskQueue?: string;
}

/** A task queue that no other test uses. */
export function newTaskQueue(): string {
  return `test-${randomUUID()}`;
}

/** Runs `use` beside a worker, and ends the worker whatever happens. */
export async function withWorker<T>(
  activities: object,
  use: (worker: TestWorker) => Promise<T>,
  {
    started = true,
    slots = 200,
    bulk = false,
    outlivesTest = false,
    taskQueue = newTaskQueue(),
  }: TestWorkerOptions = {},
): Promise<T> {
  let running: { workers: Worker[]; ended: Promise<unknown> } | undefined;
  const testWorker: TestWorker = {
    taskQueue,
    async start() {
      const workers = [await createTestWorker(taskQueue, activities, slots)];
      workers.push(await createActivityWorker(controlTaskQueue(taskQueue), activities, [keepAlive]));
      if (bulk) workers.push(await createActivityWorker(bulkTaskQueue(taskQueue), activities));
      running = { workers, ended: Promise.all(workers.map((worker) => worker.run())) };
    },
    async stop() {
      if (running === undefined) return;
      const { workers, ended } = running;
      running = undefined;
      for (const worker of workers) worker.shutdown();
      await ended;
    },
  };
  if (started) await testWorker.start();
  const end = async () => {
    if (outlivesTest) afterAllTests(testWorker.stop);
    else await testWorker.stop();
  };
  const result = await use(testWorker).catch(async (error: unknown) => {
    // A test that failed may have left an activity waiting, and a worker cannot end then: its own failure is what counts.
    await end().catch((consequence: unknown) => {
      if (error instanceof Error) error.cause ??= consequence;
    });
    throw error;
  });
  await end();
  return result;
}

async function createTestWorker(taskQueue: string, activities: object, slots: number): Promise<Worker> {
  const { nativeConnection, namespace, bundle } = await sharedTemporal();
  return await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue,
    identity: WORKER_IDENTITY,
    workflowBundle: bundle,
    activities,
    maxConcurrentActivityTaskExecutions: slots,
    maxHeartbeatThrottleInterval: '100 milliseconds',
    defaultHeartbeatThrottleInterval: '100 milliseconds',
    shutdownForceTime: '5 seconds',
    // Workflows in this thread: a worker costs 30 ms of CPU that way, 290 ms with a thread of its own.
    debugMode: true,
  });
}

async function createActivityWorker(
  taskQueue: string,
  activities: object,
  activity: ActivityInterceptorsFactory[] = [],
): Promise<Worker> {
  const { nativeConnection, namespace } = await sharedTemporal();
  return await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue,
    identity: WORKER_IDENTITY,
    activities,
    interceptors: { activity },
    maxHeartbeatThrottleInterval: '100 milliseconds',
    defaultHeartbeatThrottleInterval: '100 milliseconds',
    shutdownForceTime: '5 seconds',
  });
}

/** Replays one closed execution with the workflows as they are now. Throws DeterminismViolationError. */
export async function replayExecution(workflowId: string): Promise<void> {
  const { client } = await sharedTemporal();
  await replayHistory(await client.workflow.getHandle(workflowId).fetchHistory(), workflowId);
}

/** Replays a history with the workflows as they are now. Throws DeterminismViolationError. */
export async function replayHistory(history: unknown, workflowId: string): Promise<void> {
  replayer ??= startReplayer();
  const { histories, results } = await replayer;
  histories.write({ history, workflowId });
  const { done, value } = await results.next();
  if (done === true) throw new Error('the replay worker has ended');
  if (value.error !== undefined) throw value.error;
}

interface Replayer {
  histories: PassThrough;
  results: ReturnType<typeof Worker.runReplayHistories>;
}

let replayer: Promise<Replayer> | undefined;

/** One worker replays all histories of a run, one after the other. */
async function startReplayer(): Promise<Replayer> {
  const { bundle } = await sharedTemporal();
  const histories = new PassThrough({ objectMode: true });
  const results = Worker.runReplayHistories({ workflowBundle: bundle }, histories);
  afterAllTests(async () => {
    histories.end();
    await results.next();
  });
  return { histories, results };
}
