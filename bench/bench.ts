import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { emulatorAt, type Emulator } from '../dev/emulator.ts';
import { baseEnvironment } from '../dev/environment.ts';
import { createPartSet } from '../dev/part-set.ts';
import type { PartDefinition } from '../dev/part.ts';
import { CONTROL_BUCKET, startStack, type Stack } from '../dev/stack.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { CALLER, makeLayout } from './layout.ts';
import type { CopyFigures } from './measure-copy.ts';
import { rcloneVersion } from './rclone.ts';
import type { Settings } from './settings.ts';
import { controlStorage, type StorageControl } from './storage-control.ts';
import { createWorkers, type Workers } from './workers.ts';

/** What scenarios are measured on. */
export interface Bench {
  readonly settings: Settings;
  readonly jobs: Jobs;
  readonly apiUrl: string;
  /** The process that is the API. */
  apiPid(): number;
  /** Of whoever posts the jobs. */
  readonly token: string;
  readonly storageUrl: string;
  readonly storage: StorageControl;
  /** Puts single objects into the storage server. */
  readonly emulator: Emulator;
  readonly temporal: Client;
  readonly native: NativeConnection;
  readonly workers: Workers;
  /** Figures that later scenarios are compared with, by what was copied. */
  readonly kept: Map<string, CopyFigures>;
  /** Undefined: rclone is not installed. */
  readonly rclone: string | undefined;
  /** Ends everything. May be called again, also while it is under way. */
  stop(): Promise<void>;
}

/** Starts storage server and stack, with no worker yet, and makes what is copied. */
export async function startBench(settings: Settings): Promise<Bench> {
  const parts = createPartSet({});
  let stack: Stack | undefined;
  const closing: (() => Promise<void>)[] = [];
  async function stopAll(): Promise<void> {
    for (const close of closing.reverse()) await close();
    await stack?.stop();
    await parts.stop();
  }
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopAll());
  try {
    const server = parts.add('backing', STORAGE_SERVER);
    await server.start();
    const storageUrl = /http:\S+/.exec(server.tail())?.[0] ?? '';
    const emulator = emulatorAt(storageUrl, CONTROL_BUCKET);
    await emulator.makeBucket(CONTROL_BUCKET);
    await makeLayout(emulator);

    stack = await startStack({
      anyPorts: true,
      worker: false,
      storageUrl: () => storageUrl,
      env: { api: { LOG_LEVEL: 'warn' }, worker: profiling(settings.profileFolder) },
    });
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const connection = await Connection.connect({ address: stack.temporalAddress });
    closing.push(() => connection.close());
    const native = await NativeConnection.connect({ address: stack.temporalAddress });
    closing.push(() => native.close());
    const token = await stack.token({ sub: CALLER, expiresIn: 24 * 3_600 });
    const storage = controlStorage(storageUrl);
    const jobs = createJobs(stack.apiUrl, token);
    const temporal = new Client({ connection });
    const workers = createWorkers(stack);
    const kept = new Map<string, CopyFigures>();
    const rclone = await rcloneVersion();
    const { apiUrl, api } = stack;
    const apiPid = () => {
      if (api.pid === undefined) throw new Error('the API does not run');
      return api.pid;
    };
    const access = { jobs, apiUrl, apiPid, token };
    return { settings, ...access, storageUrl, storage, emulator, temporal, native, workers, kept, rclone, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const STORAGE_SERVER: PartDefinition = {
  name: 'Storage server',
  command: process.execPath,
  args: [join(import.meta.dirname, 'storage-server', 'main.ts')],
  env: baseEnvironment(),
  ready: { line: 'storage server listens on ' },
  startTimeoutMs: 30_000,
  stopTimeoutMs: 2_000,
};

/** The environment that has a worker write CPU profiles. */
function profiling(folder: string | undefined): Record<string, string> {
  if (folder === undefined) return {};
  const inherited = process.env['NODE_OPTIONS'] ?? '';
  return { NODE_OPTIONS: `${inherited} --cpu-prof --cpu-prof-dir="${folder}"`.trim() };
}
