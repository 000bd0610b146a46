import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import type { Part, PartError } from '../../../dev/part.ts';
import { startStack, type Stack, type StackOptions } from '../../../dev/stack.ts';
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
  newCaller(): Promise<Caller>;
  /** Sends SIGTERM and waits for the end: how it ended, and after how many milliseconds. */
  terminate(part: Part): Promise<{ exit: string; tookMs: number }>;
  /** Starts again what does not run. After a failure the worker too, which may be kept busy by what the test held. */
  repair(afterFailure: boolean): Promise<void>;
  /** Ends everything. Fails where a part had ended by itself. */
  stop(): Promise<void>;
}

type WorldOptions = Pick<StackOptions, 'worker' | 'env' | 'keepWorkflows'>;

async function startWorld(options: WorldOptions): Promise<World> {
  let proxy: StorageProxy | undefined;
  const deaths: PartError[] = [];
  const stack = await startStack({
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
  return {
    stack,
    proxy: storage,
    temporal: new Client({ connection }),
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

let shared: Promise<World> | undefined;

async function sharedWorld(): Promise<World> {
  if (shared === undefined) {
    shared = startWorld({});
    const world = await shared;
    afterAllTests(() => world.stop());
  }
  return await shared;
}

/** The world that all tests share which take nothing down. To be called inside `describe`. */
export function useSharedWorld(): () => World {
  let world: World | undefined;
  before(async () => {
    world = await sharedWorld();
  });
  return () => world as World;
}

/** A world for the tests of one `describe` alone, which may take parts of it down: they run again for the next test. */
export function useOwnWorld(options: WorldOptions = {}): () => World {
  let world: World | undefined;
  before(async () => {
    world = await startWorld(options);
  });
  afterEach(async function () {
    await world?.repair(this.currentTest?.isFailed() ?? false);
  });
  after(() => world?.stop());
  return () => world as World;
}
