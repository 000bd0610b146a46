import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { startStack, type Stack } from '../dev/stack.ts';
import { median, quantile } from './statistics.ts';

const ROUNDS = 100;
const WARM_UP_ROUNDS = 20;

/** A POST's median may be this many times the median of a bare update-with-start on the same server. */
const BOUND = 1.5;

const BARE_QUEUE = 'bench-bare';

/** One POST of two files, from request to answer, in milliseconds. */
async function timePost(stack: Stack, token: string, round: number): Promise<number> {
  const entry = (fileName: string) => ({
    sourceCollectionId: 'bench-source',
    destinationCollectionId: 'bench-destination',
    fileName,
    destinationFileName: `${round}/${fileName}`,
  });
  const startedAt = performance.now();
  const answer = await fetch(`${stack.apiUrl}/apollo/files/copy`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ copyFileCollectionData: [entry('one.txt'), entry('two.txt')] }),
  });
  const body = (await answer.json()) as { data: { CorrelationId: string } };
  const elapsed = performance.now() - startedAt;
  if (answer.status !== 200) throw new Error(`POST answered ${answer.status}: ${JSON.stringify(body)}`);
  await ended(stack, token, body.data.CorrelationId);
  return elapsed;
}

/** Waits until a job has ended, so that the next measurement has the machine to itself. */
async function ended(stack: Stack, token: string, correlationId: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${stack.apiUrl}/apollo/status/logs?limit=1&correlationId=${correlationId}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { job } = (await answer.json()) as { job: { state: string } };
    if (job.state === 'Completed') return;
    if (job.state !== 'Processing') throw new Error(`job ${correlationId} is ${job.state}`);
  }
}

async function timeBare(client: Client): Promise<number> {
  const startedAt = performance.now();
  await client.workflow.executeUpdateWithStart('answer', {
    startWorkflowOperation: new WithStartWorkflowOperation('bare', {
      workflowId: randomUUID(),
      taskQueue: BARE_QUEUE,
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });
  return performance.now() - startedAt;
}

async function makeFiles(stack: Stack): Promise<void> {
  const acl = { owner: ['bench'], admin: [], readwrite: [], readonly: [] };
  await stack.emulator.makeBucket('bench');
  for (const role of ['source', 'destination']) {
    const collectionId = `bench-${role}`;
    const document = { collectionId, collectionName: role, bucket: 'bench', prefix: `${role}/`, acl };
    await stack.emulator.putCollection(document);
  }
  for (const name of ['one.txt', 'two.txt']) {
    await stack.emulator.putObject('bench', `source/${name}`, name, { contentType: 'text/plain' });
  }
}

/**
 * Prints how long a caller waits for the answer to a POST of two files, one at a time, beside what the same Temporal
 * server takes for a workflow that only answers. The two are measured in turns. False: the bound was missed.
 */
export async function measurePostLatency(): Promise<boolean> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stack = await startStack({ anyPorts: true });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const native = await NativeConnection.connect({ address: stack.temporalAddress });
  const worker = await Worker.create({
    connection: native,
    taskQueue: BARE_QUEUE,
    workflowsPath: fileURLToPath(new URL('bare-workflow.ts', import.meta.url)),
  });
  const posts: number[] = [];
  const bares: number[] = [];
  try {
    await worker.runUntil(async () => {
      const client = new Client({ connection });
      await makeFiles(stack);
      const token = await stack.token({ sub: 'bench', scopes: ['apollo_read', 'apollo_write'] });
      for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
        const post = await timePost(stack, token, round);
        const bare = await timeBare(client);
        if (round < 0) continue;
        posts.push(post);
        bares.push(bare);
      }
    });
  } finally {
    await connection.close();
    await native.close();
    await stack.stop();
  }
  const ratio = median(posts) / median(bares);
  const row = (name: string, figures: number[]) =>
    `${name.padEnd(28)} ${median(figures).toFixed(1).padStart(8)} ms ${quantile(figures, 0.95).toFixed(1).padStart(8)} ms`;
  console.log(`${''.padEnd(28)} ${'median'.padStart(11)} ${'95%'.padStart(11)}   (${ROUNDS} rounds each, in turns)`);
  console.log(row('POST of two files', posts));
  console.log(row('bare update-with-start', bares));
  console.log(`ratio of the medians: ${ratio.toFixed(2)} (bound ${BOUND}) ${ratio <= BOUND ? 'ok' : 'MISSED'}`);
  return ratio <= BOUND;
}
