import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storagePart } from '../../dev/backing-parts.ts';
import { emulatorAt, type Emulator } from '../../dev/emulator.ts';
import { baseEnvironment } from '../../dev/environment.ts';
import { createPartSet } from '../../dev/part-set.ts';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts, LOOPBACK, USUAL_PORTS } from '../../dev/ports.ts';
import { ensureTools } from '../../dev/tools.ts';
import type { StorageConfig } from '../../config/config.ts';
import { createStorage, type StorageModule, type StorageOptions } from '../../storage/index.ts';
import { afterAllTests } from './root-hooks.ts';
import { startStorageProxy, type StorageProxy } from './storage-proxy/index.ts';

/** Buckets of one test, in an emulator that all tests share. */
export interface TestStorage {
  readonly proxy: StorageProxy;
  /** Reads and writes past the proxy: what others do, and what is really there. */
  readonly emulator: Emulator;
  readonly controlBucket: string;
  /** Buckets that are there: one to copy from, one to copy to. */
  readonly sourceBucket: string;
  readonly destinationBucket: string;
  /** Leads to the proxy. */
  readonly config: StorageConfig;
  /** Leads past the proxy. */
  readonly directConfig: StorageConfig;
  /**
   * The storage module, through the proxy unless it is to go past it. It repeats nothing, so that each fault shows, unless
   * told to.
   */
  connect(options?: Omit<StorageOptions, 'observer'> & { directly?: boolean }): StorageModule;
}

/** A request that stays unanswered fails after this, in milliseconds. */
const TIMEOUT_MS = 5_000;

let shared: Promise<{ url: string; proxy: StorageProxy }> | undefined;
let tests = 0;

/** Makes buckets of the test's own; the first one starts the emulator and the proxy in front of it. */
export async function makeTestStorage(): Promise<TestStorage> {
  shared ??= startEmulator();
  const { url, proxy } = await shared;
  const test = (tests += 1);
  const controlBucket = `control-${test}`;
  const sourceBucket = `source-${test}`;
  const destinationBucket = `destination-${test}`;
  const emulator = emulatorAt(url, controlBucket);
  await Promise.all([controlBucket, sourceBucket, destinationBucket].map((bucket) => emulator.makeBucket(bucket)));
  const config = { controlBucket, projectId: 'test', emulatorHost: proxy.url };
  const directConfig = { ...config, emulatorHost: url };
  return {
    ...{ proxy, emulator, controlBucket, sourceBucket, destinationBucket, config, directConfig },
    connect: ({ autoRetry = false, timeoutMs = TIMEOUT_MS, directly = false, ...options } = {}) =>
      createStorage(directly ? directConfig : config, { autoRetry, timeoutMs, ...options }),
  };
}

/** The emulator in memory: on a file system it cannot keep names of 1,024 bytes. */
async function startEmulator(): Promise<{ url: string; proxy: StorageProxy }> {
  const { fakeGcsServer } = await ensureTools();
  const root = await mkdtemp(join(tmpdir(), 'apollo-test-'));
  const parts = createPartSet({});
  afterAllTests(() => parts.stop());
  parts.finally(() => rm(root, { recursive: true, force: true }));
  const claims = createPortClaims();
  parts.finally(claims.release);
  const { storage: port } = await choosePorts({ storage: USUAL_PORTS.storage }, { anyFree: true, claim: claims.take });
  const definition = storagePart({ command: fakeGcsServer, env: baseEnvironment(), port, root });
  await parts.start([parts.add('backing', { ...definition, args: [...definition.args, '-backend', 'memory'] })]);
  const url = `http://${LOOPBACK}:${port}`;
  const proxy = await startStorageProxy({ target: url });
  afterAllTests(() => proxy.close());
  return { url, proxy };
}
