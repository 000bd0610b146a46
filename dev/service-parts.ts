import { join } from 'node:path';
import { answersOk } from './backing-parts.ts';
import type { PartDefinition } from './part.ts';
import { LOOPBACK } from './ports.ts';

/** The parts that are this project's own: the API and the worker, each a process configured by its environment alone. */

const ROOT = join(import.meta.dirname, '..');

/** The processes have 10 s to end after SIGTERM (README.md, "Running it"); a little is added for a busy machine. */
const STOP_TIMEOUT_MS = 12_000;

/** The worker bundles its workflows before it polls: seconds of CPU, more on a busy machine. */
const START_TIMEOUT_MS = 60_000;

interface ServiceOptions {
  env: Readonly<Record<string, string>>;
  log?: string;
}

/**
 * How a worker's engine is to use memory: bulk jobs make much that is soon garbage, which is cheap to collect while it is
 * young, and which the engine would let grow old for as long as there is memory (docs/benchmarks.md, "Peak memory").
 */
export const WORKER_ENGINE = ['--max-semi-space-size=32', '--max-old-space-size=1024'];

/** A worker; ready once it says that it polls. */
export function workerPart(name: string, options: ServiceOptions): PartDefinition {
  return {
    ...options,
    name,
    command: process.execPath,
    args: [...WORKER_ENGINE, join(ROOT, 'worker', 'main.ts')],
    ready: { line: '"msg":"worker started"' },
    startTimeoutMs: START_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  };
}

/** The API; ready once it finds Temporal and storage reachable itself. */
export function apiPart({ port, ...options }: ServiceOptions & { port: number }): PartDefinition {
  return {
    ...options,
    name: 'API',
    command: process.execPath,
    args: [join(ROOT, 'api', 'main.ts')],
    ready: { probe: () => answersOk(`http://${LOOPBACK}:${port}/readyz`) },
    startTimeoutMs: START_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  };
}
