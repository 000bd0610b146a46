import type { Part } from '../dev/part.ts';
import type { Stack } from '../dev/stack.ts';
import { cpuMicros, peakResidentSize, resetPeak } from './process-usage.ts';

/** What the running workers have taken since `start`. */
export interface WorkerUsage {
  /** CPU time of all of them together, in microseconds. */
  cpuMicros: number;
  /** The most memory that any of them held, in bytes. */
  peakResidentSize: number;
}

/** The worker processes that are measured. */
export interface Workers {
  /** Has so many fresh workers running, each with so many rewrites in flight. */
  use(options: { workers: number; inFlight: number }): Promise<void>;
  /** Starts an account of what they take; what it gives closes it. */
  account(): Promise<() => Promise<WorkerUsage>>;
}

/** Manages the workers of a stack that has none running. */
export function createWorkers(stack: Stack): Workers {
  const parts: Part[] = [stack.worker];
  const pids = () => parts.map(({ pid }) => pid).filter((pid) => pid !== undefined);

  return {
    async use({ workers, inFlight }) {
      while (parts.length < workers) parts.push(await stack.addWorker(`Worker ${parts.length + 1}`));
      await Promise.all(parts.map((part) => part.stop()));
      const env = { COPY_CONCURRENCY: String(inFlight), LOG_LEVEL: 'info' };
      for (const part of parts.slice(0, workers)) await part.start(env);
    },
    async account() {
      const measured = pids();
      await Promise.all(measured.map(resetPeak));
      const before = await Promise.all(measured.map(cpuMicros));
      return async () => {
        const after = await Promise.all(measured.map(cpuMicros));
        const peaks = await Promise.all(measured.map(peakResidentSize));
        return {
          cpuMicros: sum(after) - sum(before),
          peakResidentSize: Math.max(...peaks),
        };
      };
    },
  };
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
