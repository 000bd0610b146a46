import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalPart } from '../../dev/backing-parts.ts';
import { baseEnvironment } from '../../dev/environment.ts';
import { createPartSet } from '../../dev/part-set.ts';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts, LOOPBACK, USUAL_PORTS } from '../../dev/ports.ts';
import { createProcesses, type Processes, type Running } from '../../dev/processes.ts';
import { ensureTools } from '../../dev/tools.ts';
import { makeBareNamespace } from '../support/bare-namespace.ts';
import { makeTestStorage } from '../support/emulator.ts';
import { holdAfter, holdBefore, type Hold } from '../support/storage-proxy/index.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually, Jobs, requestFor } from '../workflows/support.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'worker', 'main.ts');

/** A closed port of this machine, for what a worker is not to reach. */
const NOWHERE = `${LOOPBACK}:9`;

/** A worker process. */
interface WorkerProcess extends Running {
  /** Everything it wrote, line by line. */
  readonly lines: string[];
  /** Waits for a line that contains this text. */
  says(text: string): Promise<string>;
}

describe('the worker process', function () {
  this.timeout(60_000);
  let processes: Processes;
  let folder: string;
  let settings: Record<string, string>;

  before(async () => {
    processes = createProcesses();
    folder = await mkdtemp(join(tmpdir(), 'apollo-worker-'));
    const temporalConfigFile = join(folder, 'temporal.toml');
    await writeFile(temporalConfigFile, '[profile.default]\n');
    settings = {
      ...baseEnvironment(),
      LOG_LEVEL: 'info',
      CONTROL_BUCKET: 'control',
      STORAGE_EMULATOR_HOST: `http://${NOWHERE}`,
      TEMPORAL_ADDRESS: NOWHERE,
      TEMPORAL_CONFIG_FILE: temporalConfigFile,
      METRICS_PORT: '0',
    };
  });

  after(async () => {
    processes.close();
    await rm(folder, { recursive: true });
  });

  /** `npm run worker` with these settings and no others. */
  async function start(changes: Record<string, string>): Promise<WorkerProcess> {
    const lines: string[] = [];
    const running = await processes.start(process.execPath, [MAIN], {
      env: { ...settings, ...changes },
      onLine: (line) => lines.push(line),
    });
    const hasEnded = running.exited.then(() => true);
    const says = (text: string) =>
      eventually(async () => {
        const line = lines.find((candidate) => candidate.includes(text));
        const ended = await Promise.race([hasEnded, Promise.resolve(false)]);
        if (line === undefined && ended) throw new Error(`ended without saying ${text}: ${lines.join('\n')}`);
        return line;
      }, 30_000);
    return { ...running, lines, says };
  }

  /** Storage that is there. */
  async function settingsOfStorage() {
    const { controlBucket, proxy } = await makeTestStorage();
    return { CONTROL_BUCKET: controlBucket, STORAGE_EMULATOR_HOST: proxy.url };
  }

  /** Sends a signal, and expects the process to end with exit code 0 within 10 s. */
  async function assertEndsInOrder(worker: WorkerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const before = performance.now();
    const { code } = await worker.stop(signal, 15_000);
    const took = performance.now() - before;
    assert.equal(code, 0, worker.tail());
    assert.ok(took < 10_000, `it took ${took} ms`);
  }

  it('exits 78 with one line that names the wrong setting, and starts nothing', async () => {
    let connections = 0;
    const temporal = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, LOOPBACK);
    await once(temporal, 'listening');
    const TEMPORAL_ADDRESS = `${LOOPBACK}:${(temporal.address() as AddressInfo).port}`;
    const wrong = { CONTROL_BUCKET: '', COPY_CONCURRENCY: '0', TEMPORAL_TLS_CLIENT_CERT_PATH: '/no/such/file' };
    const endsFor = async ([name, value]: [string, string]) => {
      const { exited, lines } = await start({ TEMPORAL_ADDRESS, [name]: value });
      assert.deepEqual(await exited, { code: 78, signal: null });
      assert.equal(lines.length, 1, lines.join('\n'));
      const [line = ''] = lines;
      assert.ok(line.startsWith(`apollo worker: ${name} `), line);
    };
    await Promise.all(Object.entries(wrong).map(endsFor));
    assert.equal(connections, 0);
    temporal.close();
  });

  it('exits 78 with one line where the port of its metrics is taken', async () => {
    const other = createServer().listen(0, LOOPBACK);
    await once(other, 'listening');
    const METRICS_PORT = String((other.address() as AddressInfo).port);
    const { exited, lines } = await start({ METRICS_PORT });
    assert.deepEqual(await exited, { code: 78, signal: null });
    assert.deepEqual(lines.length, 1, lines.join('\n'));
    const words = `apollo worker: METRICS_PORT ${METRICS_PORT} cannot be listened on at HOST 127.0.0.1: `;
    assert.ok(lines[0]!.startsWith(words), lines.join('\n'));
    other.close();
  });

  it('serves its metrics, those of the Temporal SDK among them', async () => {
    const { address } = await sharedTemporal();
    const claims = createPortClaims();
    const usual = { metrics: USUAL_PORTS.metrics };
    const { metrics: port } = await choosePorts(usual, { anyFree: true, claim: claims.take });
    try {
      const worker = await start({ TEMPORAL_ADDRESS: address, METRICS_PORT: String(port) });
      await worker.says('worker started');
      // Pollers are counted once they poll.
      await eventually(async () => {
        const response = await fetch(`http://${LOOPBACK}:${port}/metrics`);
        assert.equal(response.status, 200);
        return /^temporal_num_pollers\{/m.test(await response.text());
      });
      await assertEndsInOrder(worker);
    } finally {
      await claims.release();
    }
  });

  it('exits 78 with one line where the namespace does not exist', async () => {
    const [{ address }, storage] = await Promise.all([sharedTemporal(), settingsOfStorage()]);
    const wrong = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'no-such-namespace' };
    const { exited, lines } = await start({ ...storage, ...wrong });
    assert.deepEqual(await exited, { code: 78, signal: null });
    assert.deepEqual(lines, [
      'apollo worker: TEMPORAL_NAMESPACE names a namespace that does not exist: no-such-namespace',
    ]);
  });

  it('exits 78 with one line where the control bucket does not exist, whether Temporal is there or not', async () => {
    const [{ address }, storage] = await Promise.all([sharedTemporal(), settingsOfStorage()]);
    const endsWith = async (TEMPORAL_ADDRESS: string) => {
      const { exited, lines } = await start({ ...storage, TEMPORAL_ADDRESS, CONTROL_BUCKET: 'nobucket' });
      assert.deepEqual(await exited, { code: 78, signal: null });
      assert.equal(lines.at(-1), 'apollo worker: the control bucket nobucket (CONTROL_BUCKET) does not exist');
      return lines.length;
    };
    const [count] = await Promise.all([endsWith(address), endsWith(NOWHERE)]);
    assert.equal(count, 1);
  });

  it('starts without search attributes, says which are missing, and nothing else that is wrong', async () => {
    const [{ address }, storage, { name }] = await Promise.all([
      sharedTemporal(),
      settingsOfStorage(),
      makeBareNamespace(),
    ]);
    const worker = await start({ ...storage, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: name });
    await Promise.all([worker.says('worker started'), worker.says('search-attribute create'), worker.says('RUNNING')]);
    await assertEndsInOrder(worker);
    const entries = worker.lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    const wrong = entries.filter(({ level }) => level >= 40).map(({ msg }) => msg);
    assert.equal(wrong.length, 1, wrong.join('\n'));
    assert.match(
      wrong[0]!,
      /^no job can be started: [^\n]* lacks search attributes \(CopyRequestor, CopyState\): temporal /,
    );
  });

  it('polls the queue it is told to, logs JSON, and exits 0 at SIGTERM and at SIGINT', async () => {
    const { address } = await sharedTemporal();
    const endsAt = async (signal: NodeJS.Signals) => {
      const queue = `worker-${randomUUID()}`;
      const worker = await start({ TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: queue });
      const started = JSON.parse(await worker.says('worker started')) as Record<string, unknown>;
      assert.deepEqual([started['service'], started['taskQueue']], ['worker', queue]);
      await assertEndsInOrder(worker, signal);
      for (const line of worker.lines) assert.doesNotThrow(() => JSON.parse(line) as unknown, line);
    };
    await Promise.all([endsAt('SIGTERM'), endsAt('SIGINT')]);
  });

  it('waits for a Temporal that is not there yet, and then works', async () => {
    const claims = createPortClaims();
    const parts = createPartSet({});
    parts.finally(claims.release);
    try {
      const { temporal: command } = await ensureTools();
      const ports = await choosePorts(
        { temporal: USUAL_PORTS.temporal, temporalUi: USUAL_PORTS.temporalUi },
        { anyFree: true, claim: claims.take },
      );
      const worker = await start({ TEMPORAL_ADDRESS: `${LOOPBACK}:${ports.temporal}` });
      await worker.says('not reachable');
      const definition = temporalPart({
        ...{ command, env: baseEnvironment(), quickDeletes: false },
        ...{ port: ports.temporal, uiPort: ports.temporalUi },
      });
      await parts.start([parts.add('backing', definition)]);
      await worker.says('worker started');
      await assertEndsInOrder(worker);
    } finally {
      await parts.stop();
    }
  });

  it('says in a word that it waits for Temporal, and exits 0 at SIGTERM meanwhile', async () => {
    const worker = await start({});
    const line = await worker.says('not reachable');
    const { reason, address, err } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual([typeof reason, address, err], ['string', NOWHERE, undefined]);
    assert.doesNotMatch(line, /worker\/main/, 'no stack');
    await assertEndsInOrder(worker);
  });

  describe('told to end while a job runs', () => {
    /** Starts a worker and a job of one file, and waits until its rewrite is held. */
    async function startHeld(hold: Hold) {
      const { proxy, emulator, config, controlBucket, sourceBucket, destinationBucket } = await makeTestStorage();
      const { client, address } = await sharedTemporal();
      const acl = { owner: ['alice'] };
      const collection = (collectionId: string, bucket: string) =>
        emulator.putCollection({ collectionId, collectionName: collectionId, bucket, prefix: '', acl });
      await Promise.all([collection('from', sourceBucket), collection('to', destinationBucket)]);
      await emulator.putObject(sourceBucket, 'a', 'content');
      const inject = (operation: 'rewrite' | 'upload', fault: Hold) =>
        proxy.inject({ operation, bucket: operation === 'rewrite' ? destinationBucket : controlBucket }, fault, {
          times: 1,
        });
      inject('rewrite', hold);
      const env = {
        TEMPORAL_ADDRESS: address,
        TEMPORAL_TASK_QUEUE: `worker-${randomUUID()}`,
        CONTROL_BUCKET: config.controlBucket,
        STORAGE_EMULATOR_HOST: proxy.url,
      };
      const worker = await start(env);
      const idle = () => Promise.resolve();
      const jobs = new Jobs({ taskQueue: env.TEMPORAL_TASK_QUEUE, start: idle, stop: idle });
      const job = await jobs.start(requestFor('a'));
      await hold.reached;

      /** The attempt that Temporal will make next, of the one file. */
      const nextAttempt = async () => {
        const { raw } = await client.workflow.getHandle(job.id).describe();
        const [copy] = raw.pendingActivities ?? [];
        return { attempt: copy?.attempt, failure: copy?.lastFailure?.message ?? '' };
      };
      const assertCompleted = async ({ retryCount }: { retryCount: number }) => {
        assert.equal((await job.result()).state, 'Completed');
        const [file] = (await job.files()).files;
        assert.deepEqual([file?.state, file?.retryCount], ['Completed', retryCount]);
        const copy = await emulator.getObject(destinationBucket, 'a');
        assert.equal(Buffer.from(copy ?? []).toString(), 'content');
        assert.equal(proxy.writes(destinationBucket, 'a'), 1, 'it is written once');
        assert.equal(proxy.writes(controlBucket, `jobs/${job.id}/job.json`), 2, 'claimed once, and closed once');
      };
      const startAnother = () => jobs.start(requestFor('b'));
      return { worker, job, startAnother, nextAttempt, assertCompleted, startAgain: () => start(env), inject };
    }

    it('finishes what takes a moment', async () => {
      const hold = holdBefore();
      const { worker, assertCompleted, startAgain } = await startHeld(hold);
      const ending = assertEndsInOrder(worker);
      await worker.says('"DRAINING"');
      hold.release();
      await ending;
      const next = await startAgain();
      await assertCompleted({ retryCount: 0 });
      await assertEndsInOrder(next);
    });

    it('leaves what storage keeps waiting to the next one, which goes on at once and writes nothing twice', async () => {
      const hold = holdAfter();
      const admission = holdAfter();
      const { worker, job, startAnother, nextAttempt, assertCompleted, startAgain, inject } = await startHeld(hold);
      inject('upload', admission);
      const undecided = await startAnother();
      await admission.reached;
      await assertEndsInOrder(worker);
      const { attempt, failure } = await nextAttempt();
      assert.equal(attempt, 2, 'Temporal does not wait for the heartbeats to stay away');
      assert.match(failure, /^WORKER_LOST: /);
      assert.equal((await undecided.handle.describe()).status.name, 'RUNNING');
      await undecided.handle.terminate();
      const next = await startAgain();
      await assertCompleted({ retryCount: 1 });
      assert.equal((await job.status()).state, 'Completed');
      for (const held of [hold, admission]) held.release();
      await assertEndsInOrder(next);
    });
  });
});
