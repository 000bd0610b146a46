import assert from 'node:assert/strict';
import { Client, Connection, WorkflowFailedError, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { Part, PartError } from '../../../dev/part.ts';
import { startStack, type Stack, type StackOptions } from '../../../dev/stack.ts';
import { startProductionStack } from '../../production/stack.ts';
import { afterAllTests } from '../../support/root-hooks.ts';
import { startStorageProxy, type StorageProxy } from '../../support/storage-proxy/index.ts';
import { Caller } from './caller.ts';
import { until } from './until.ts';

/** The whole service in processes of its own, and a storage proxy between it and the emulator. */
export interface World {
  readonly stack: Stack;
  readonly proxy: StorageProxy;
  /** Temporal as its Web UI and command line use it. */
  readonly temporal: Client;
  /** How Temporal says that a job's workflow was closed, which is a moment after the job's end is visible. */
  closedAs(correlationId: string): Promise<WorkflowExecutionStatusName>;
  newCaller(): Promise<Caller>;
  /** Sends SIGTERM and waits for the end: how it ended, and after how many milliseconds. */
  terminate(part: Part): Promise<{ exit: string; tookMs: number }>;
  /** Starts again what does not run. After a failure the worker too, which may be kept busy by what the test held. */
  repair(afterFailure: boolean): Promise<void>;
  /** Ends everything. Fails where a part had ended by itself. */
  stop(): Promise<void>;
}

/** Two worlds are enough for all tests, and only those started that are used. */
const OPTIONS = {
  /** Nothing is taken down here. With so few lanes a worker has 80 files in hand: of some jobs not all are begun at once. */
  calm: { env: { worker: { COPY_CONCURRENCY: '20' } } },
  /** Its parts are taken down: Temporal keeps its workflows over that. */
  rough: { keepWorkflows: true, worker: false },
} satisfies Record<string, StackOptions>;

type WorldKind = keyof typeof OPTIONS;

async function startWorld(options: StackOptions): Promise<World> {
  let proxy: StorageProxy | undefined;
  const deaths: PartError[] = [];
  // Where it is asked for: the stack of docker-compose.yml instead of the embedded one.
  const start = process.env['APOLLO_TEST_STACK'] === 'production' ? startProductionStack : startStack;
  const stack = await start({
    anyPorts: true,
    quickDeletes: true,
    ...options,
    onDeath: (error) => deaths.push(error),
    async storageUrl(target) {
      proxy = await startStorageProxy({ target });
      return proxy.url;
    },
  });
  assert.ok(proxy);
  const storage = proxy;
  // Connected when first used: the server may be down, and come back.
  const connection = Connection.lazy({ address: stack.temporalAddress });
  const temporal = new Client({ connection });
  return {
    stack,
    proxy: storage,
    temporal,
    async closedAs(correlationId) {
      const handle = temporal.workflow.getHandle(correlationId);
      await handle.result().catch((error: unknown) => {
        if (!(error instanceof WorkflowFailedError)) throw error;
      });
      return (await handle.describe()).status.name;
    },
    newCaller: () => Caller.make({ stack, proxy: storage }),
    async terminate(part) {
      assert.ok(part.pid, `${part.name} does not run`);
      const startedAt = performance.now();
      process.kill(part.pid, 'SIGTERM');
      const death = await until(`${part.name} has ended`, () => deaths.pop(), { within: 30_000, every: 20 });
      const exit = /ended by itself \(([^)]*)\)/.exec(death.message)?.[1] ?? death.message;
      return { exit, tookMs: performance.now() - startedAt };
    },
    async repair(afterFailure) {
      storage.removeFaults();
      if (afterFailure) await stack.worker.kill();
      for (const part of [stack.temporal, stack.storage, stack.worker, stack.api]) {
        if (part.pid === undefined) await part.start();
      }
    },
    async stop() {
      await connection.close();
      await stack.stop();
      await storage.close();
      assert.deepEqual(deaths, []);
    },
  };
}

interface SharedWorld {
  /** The suites that are still to use it. */
  users: number;
  started?: Promise<World>;
}

const shared: Record<WorldKind, SharedWorld> = { calm: { users: 0 }, rough: { users: 0 } };

async function release(kind: WorldKind): Promise<void> {
  const { started } = shared[kind];
  delete shared[kind].started;
  await (await started)?.stop();
}

/**
 * The world that tests share; before each suite and after each test, all of it is up, but for the worker where a suite
 * does without. It ends with the last suite that uses it. To be called inside `describe`.
 */
export function useWorld(kind: WorldKind, { withoutWorker = false } = {}): () => World {
  const it = shared[kind];
  let world: World | undefined;
  it.users += 1;
  before(async function () {
    this.timeout(120_000);
    if (it.started === undefined) {
      it.started = startWorld(OPTIONS[kind]);
      // Suites that were left out of a run never say that they are through.
      afterAllTests(() => release(kind));
    }
    world = await it.started;
    if (!withoutWorker) await world.repair(false);
  });
  afterEach(async function () {
    this.timeout(120_000);
    const isFailed = this.currentTest?.isFailed() ?? false;
    await world?.repair(isFailed);
  });
  after(async () => {
    it.users -= 1;
    if (it.users === 0) await release(kind);
  });
  return () => world as World;
}
