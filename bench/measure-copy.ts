import type { Bench } from './bench.ts';
import { BUCKETS, folderRequest, makeFiles } from './layout.ts';
import { countEvents } from './temporal-events.ts';
import type { OperationCounts } from './storage-server/counters.ts';

/** What a job took, from POST to its terminal state. */
export interface CopyFigures {
  seconds: number;
  filesPerSecond: number;
  /** All workers together, a file. */
  workerCpuMicros: number;
  /** The most that one worker held, in bytes. */
  peakResidentSize: number;
  operationsPerFile: number;
  eventsPerThousand: number;
  /** Share of one core that the storage server took. */
  serverShare: number;
  /** Times of the status answers meanwhile, in milliseconds. */
  statusMs: number[];
}

interface Copy {
  request: unknown;
  /** How many files the request asks for. */
  files: number;
  /** Asks for the status so often meanwhile, in milliseconds; undefined: not at all. */
  statusEveryMs?: number;
  /** Leaves the destination as it is; default: it is emptied first. */
  ontoExisting?: boolean;
}

/**
 * Files of the job that goes before what is measured, so that the code of a fresh worker is compiled: a worker serves for
 * days. After 8,000 of them, the next 10,000 go at three quarters of the rate of those that follow.
 */
const WARM_UP_FILES = 30_000;

/** A job that takes longer hangs. */
const FIXED_LIMIT_MS = 60_000;
const LIMIT_MS_A_FILE = 3;

/** Has fresh workers copy some files, and leaves storage with this latency. */
export async function prepareWorkers(
  bench: Bench,
  options: { workers?: number; inFlight: number; latencyMs: number },
): Promise<void> {
  const { storage, jobs, workers } = bench;
  await storage.setLatency(0);
  await workers.use({ workers: options.workers ?? 1, inFlight: options.inFlight });
  const { correlationId } = await jobs.post(folderRequest(await makeFiles(storage, WARM_UP_FILES)));
  await jobs.ended(correlationId);
  await storage.setLatency(options.latencyMs);
}

/** Has the workers that run carry out a job, and measures it. Throws where it does not copy everything. */
export async function measureCopy(bench: Bench, copy: Copy): Promise<CopyFigures> {
  const { storage, jobs, temporal, workers } = bench;
  const { files } = copy;
  if (copy.ontoExisting !== true) await storage.empty(BUCKETS.destination);
  const account = await workers.account();
  const before = await storage.figures();
  const { correlationId, startedAt } = await jobs.post(copy.request);
  const watch = watchStatus(bench, correlationId, copy.statusEveryMs);
  try {
    // Temporal's long poll answers when the job is over. A job that failed, or hangs, is told by its state below.
    const limit = AbortSignal.timeout(FIXED_LIMIT_MS + files * LIMIT_MS_A_FILE);
    await temporal
      .withAbortSignal(limit, () => temporal.workflow.getHandle(correlationId).result())
      .catch(() => undefined);
  } finally {
    watch.stop();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const usage = await account();
  const after = await storage.figures();
  const { job } = await jobs.status(correlationId);
  const { objects } = await storage.bucket(BUCKETS.destination);
  if (job.state !== 'Completed' || job.counts.completed !== files || objects < files) {
    throw new Error(`the job is ${job.state}, ${JSON.stringify(job.counts)}, with ${objects} objects: ${job.message}`);
  }
  return {
    seconds,
    filesPerSecond: files / seconds,
    workerCpuMicros: usage.cpuMicros / files,
    peakResidentSize: usage.peakResidentSize,
    operationsPerFile: (total(after.operations) - total(before.operations)) / files,
    eventsPerThousand: ((await countEvents(temporal, correlationId)) / files) * 1_000,
    serverShare: (after.cpuMicros - before.cpuMicros) / 1_000_000 / seconds,
    statusMs: await watch.times,
  };
}

function total(counts: OperationCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Asks for a job's status again and again. `times` rejects where an answer is not what it should be. */
function watchStatus(
  { jobs }: Bench,
  correlationId: string,
  everyMs: number | undefined,
): { stop: () => void; times: Promise<number[]> } {
  const end = Promise.withResolvers<undefined>();
  let isOver = everyMs === undefined;
  async function watch(): Promise<number[]> {
    const times: number[] = [];
    while (!isOver) {
      times.push((await jobs.status(correlationId)).tookMs);
      await Promise.race([end.promise, new Promise((resolve) => setTimeout(resolve, everyMs))]);
    }
    return times;
  }
  const times = watch();
  // Waited for only once the job is over.
  times.catch(() => undefined);
  return {
    stop() {
      isOver = true;
      end.resolve(undefined);
    },
    times,
  };
}
