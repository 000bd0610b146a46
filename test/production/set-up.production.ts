import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../contract/ids.ts';
import { createApiClient, type CopyBody, type LogsBody } from '../../dev/api-client.ts';
import { EXAMPLE_FILES, EXAMPLE_REQUEST, exampleObjects, makeExample } from '../../dev/example.ts';
import { until } from '../stack/support/until.ts';
import { SET_UP, startProductionStack, type ProductionStack } from './stack.ts';

const UP_WITHIN_MS = 300_000;

interface JobList {
  data: { correlationId: string }[];
}

type Logs = LogsBody & { job: { correlationId: string } };

describe('the stack of docker-compose.yml', function () {
  this.timeout(UP_WITHIN_MS);
  let stack: ProductionStack;
  let temporal: Client;

  before(async () => {
    stack = await startProductionStack();
    temporal = new Client({ connection: await Connection.connect({ address: stack.temporalAddress }) });
  });

  after(async () => {
    await temporal.connection.close();
    await stack.stop();
  });

  /** The documented example, from POST to the end of the job. */
  async function runExample(): Promise<Logs> {
    await makeExample(stack.emulator, 'somebody');
    for (const { fileName } of EXAMPLE_FILES) await stack.emulator.deleteObject(...exampleObjects(fileName).copy);
    const http = createApiClient(await stack.token({ sub: 'somebody' }), AbortSignal.timeout(60_000));
    const { body } = await http.post<CopyBody>(`${stack.apiUrl}/apollo/files/copy`, EXAMPLE_REQUEST);
    const statusUrl = body.data.Result.slice(body.data.Result.indexOf('http'));
    assert.ok(statusUrl.startsWith(`${stack.apiUrl}/apollo/status/logs?`), statusUrl);
    return await until('the job has ended', async () => {
      const logs = (await http.get<Logs>(statusUrl)).body;
      return logs.job.state === 'Completed' ? logs : undefined;
    });
  }

  async function assertCopied(): Promise<void> {
    for (const { fileName } of EXAMPLE_FILES) {
      const { source, copy } = exampleObjects(fileName);
      assert.deepEqual(await stack.emulator.getObject(...copy), await stack.emulator.getObject(...source));
    }
  }

  it('runs the example of the README', async () => {
    const { job } = await runExample();
    assert.equal(job.counts.completed, 2);
    await assertCopied();
  });

  it('lists jobs from PostgreSQL, newest first', async () => {
    const ids = [await runExample(), await runExample()].map(({ job }) => job.correlationId);
    const http = createApiClient(await stack.token({ sub: 'somebody' }), AbortSignal.timeout(60_000));
    const newest = await until('both jobs are listed', async () => {
      const { status, body } = await http.get<JobList>(`${stack.apiUrl}/apollo/files/copy?state=Completed&limit=2`);
      assert.equal(status, 200);
      const listed = body.data.map(({ correlationId }) => correlationId);
      return listed.includes(ids[1] ?? '') ? listed : undefined;
    });
    assert.deepEqual(newest, ids.reverse());
  });

  it('has the namespace and the search attributes', async () => {
    const { connection } = temporal;
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 72 * 3_600);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    assert.deepEqual(Object.keys(customAttributes).sort(), Object.keys(SEARCH_ATTRIBUTES).sort());
  });

  it('is healthy by its own checks', async () => {
    await Promise.all([stack.services.checkHealth('api'), stack.services.checkHealth('worker')]);
  });

  it('is not, once its worker is gone', async () => {
    await stack.worker.stop();
    await assert.rejects(stack.services.checkHealth('worker'));
    await stack.worker.start();
    await stack.services.checkHealth('worker');
  });

  it('goes on with a job on its other worker, whichever of the two is killed', async () => {
    await makeExample(stack.emulator, 'somebody');
    const names = Array.from({ length: 60 }, (_, index) => `two-workers/${index}.txt`);
    for (const name of names) await stack.emulator.putObject(...exampleObjects(name).source, name);
    const http = createApiClient(await stack.token({ sub: 'somebody' }), AbortSignal.timeout(120_000));
    const [{ sourceCollectionId, destinationCollectionId } = assert.fail()] = EXAMPLE_REQUEST.copyFileCollectionData;
    const collection = { sourceCollectionId, destinationCollectionId, prefix: 'two-workers/' };
    const options = { maxFilesPerSecond: 4 };
    const { body } = await http.post<CopyBody>(`${stack.apiUrl}/apollo/files/copy`, { collection, options });
    const logsUrl = `${stack.apiUrl}/apollo/status/logs?correlationId=${body.data.CorrelationId}`;
    const completed = async () => (await http.get<Logs>(logsUrl)).body.job.counts.completed;
    const moreThan = (count: number) => until('it goes on', async () => (await completed()) > count);

    await moreThan(0);
    await stack.worker.kill();
    await moreThan(await completed());
    await stack.worker.start();
    await stack.secondWorker.kill();
    const before = await completed();
    assert.ok(before < names.length, 'it is under way');
    await until('the job has ended', async () => (await completed()) === names.length);
    await stack.secondWorker.start();
    for (const name of names) {
      const { source, copy } = exampleObjects(name);
      assert.deepEqual(await stack.emulator.getObject(...copy), await stack.emulator.getObject(...source));
    }
  });

  it('may be set up again while it runs, as at every start, and goes on', async () => {
    const before = await runExample();
    for (const service of SET_UP) await stack.services.runToEnd(service);
    const after = await runExample();
    assert.equal(after.job.counts.completed, before.job.counts.completed);
    await assertCopied();
  });

  it('keeps its jobs in PostgreSQL over a restart of Temporal', async () => {
    const count = async () => (await temporal.workflow.count('WorkflowType = "copyFiles"')).count;
    const before = await until('the jobs are listed', async () => ((await count()) >= 3 ? count() : undefined));
    await stack.temporal.stop();
    await stack.temporal.start();
    assert.equal(await until('Temporal lists again', () => count().catch(() => undefined)), before);
    await runExample();
  });
});
