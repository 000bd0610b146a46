import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { baseEnvironment } from '../../dev/environment.ts';
import type { Part } from '../../dev/part.ts';
import { createPartSet, type PartSet } from '../../dev/part-set.ts';
import { workerPart } from '../../dev/service-parts.ts';
import { ensureTools } from '../../dev/tools.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { holdBefore, type Hold } from '../support/storage-proxy/index.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually, Jobs, requestFor, type Job } from '../workflows/support.ts';

const COMMAND_TIMEOUT_MS = 20_000;

/** Of Temporal's enumeration RoutingConfigUpdateState: all task queues know which version is current. */
const ROUTING_CONFIG_UPDATE_STATE_COMPLETED = 2;

describe('worker deployment versions', function () {
  this.timeout(120_000);
  let folder: string;
  let parts: PartSet;
  let storage: TestStorage;
  let temporal: (...args: string[]) => Promise<string>;
  let jobs: Jobs;
  const deployment = `apollo-${randomUUID()}`;
  const taskQueue = `versions-${randomUUID()}`;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apollo-versions-'));
    parts = createPartSet({});
    const idle = () => Promise.resolve();
    jobs = new Jobs({ taskQueue, start: idle, stop: idle });
    storage = await makeTestStorage();
    const { emulator, sourceBucket, destinationBucket } = storage;
    const acl = { owner: ['alice'] };
    await emulator.putCollection({ collectionId: 'from', collectionName: '', bucket: sourceBucket, prefix: '', acl });
    await emulator.putCollection({
      collectionId: 'to',
      collectionName: '',
      bucket: destinationBucket,
      prefix: '',
      acl,
    });
    for (const name of ['a', 'b', 'c']) await emulator.putObject(sourceBucket, name, 'content');

    const configFile = join(folder, 'temporal.toml');
    await writeFile(configFile, '[profile.default]\n');
    const { address } = await sharedTemporal();
    const command = (await ensureTools()).temporal;
    const env = { ...baseEnvironment(), TEMPORAL_ADDRESS: address, TEMPORAL_CONFIG_FILE: configFile };
    temporal = async (...args) => {
      const options = { env, timeout: COMMAND_TIMEOUT_MS };
      return (await promisify(execFile)(command, args, options)).stdout;
    };
  });

  after(async () => {
    await parts.stop();
    await rm(folder, { recursive: true });
  });

  /** Starts a worker process as one version of the deployment. */
  async function startWorker(buildId: string): Promise<Part> {
    const { address } = await sharedTemporal();
    const worker = parts.add(
      'service',
      workerPart(`Worker ${buildId}`, {
        env: {
          ...baseEnvironment(),
          TEMPORAL_ADDRESS: address,
          TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml'),
          TEMPORAL_TASK_QUEUE: taskQueue,
          TEMPORAL_DEPLOYMENT_NAME: deployment,
          TEMPORAL_WORKER_BUILD_ID: buildId,
          CONTROL_BUCKET: storage.controlBucket,
          STORAGE_EMULATOR_HOST: storage.proxy.url,
          METRICS_PORT: '0',
        },
      }),
    );
    await worker.start();
    return worker;
  }

  /** As an operator does it; refused while the version does not poll yet. */
  async function makeCurrent(buildId: string): Promise<void> {
    const command = ['worker', 'deployment', 'set-current-version', '--yes'];
    const version = ['--deployment-name', deployment, '--build-id', buildId];
    await eventually(() => temporal(...command, ...version).then(isDone, isNotDone), 60_000);
    const { client } = await sharedTemporal();
    await eventually(async () => {
      const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
        namespace: client.options.namespace,
        deploymentName: deployment,
      });
      return Number(workerDeploymentInfo?.routingConfigUpdateState) === ROUTING_CONFIG_UPDATE_STATE_COMPLETED;
    }, 60_000);
  }

  function holdRewriteOf(name: string): Hold {
    const hold = holdBefore();
    storage.proxy.inject({ operation: 'rewrite', bucket: storage.destinationBucket, name }, hold, { times: 1 });
    return hold;
  }

  /** Which version Temporal says that a job is on, and the process ids of all workers that had a part in it. */
  async function ranOn({ handle }: Job): Promise<{ version: string | undefined; pids: number[] }> {
    const { raw } = await handle.describe();
    const pids = new Set<number>();
    for (const event of (await handle.fetchHistory()).events ?? []) {
      const started = event.workflowTaskStartedEventAttributes ?? event.activityTaskStartedEventAttributes;
      if (started?.identity) pids.add(Number.parseInt(started.identity, 10));
    }
    const version = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
    return { version, pids: Array.from(pids) };
  }

  it('keep a job on the one it started on, after another has become current', async () => {
    const v1 = await startWorker('v1');
    await makeCurrent('v1');
    const hold = holdRewriteOf('a');
    const old = await jobs.start(requestFor('a', 'b'));
    await hold.reached;

    const v2 = await startWorker('v2');
    await makeCurrent('v2');
    const next = await jobs.start(requestFor('c'));
    assert.equal((await next.result()).state, 'Completed');
    assert.deepEqual(await ranOn(next), { version: 'v2', pids: [v2.pid] });

    assert.equal((await old.status()).state, 'Processing');
    hold.release();
    assert.equal((await old.result()).state, 'Completed');
    assert.deepEqual(await ranOn(old), { version: 'v1', pids: [v1.pid] });
  });
});

const isDone = () => true;
const isNotDone = () => false;
