import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { CopyStarter } from '../../../api/jobs/copy-starter.ts';
import { ServiceUnavailableError } from '../../../api/jobs/job-service.ts';
import { ExecutionList } from '../../../api/jobs/newest-executions.ts';
import { jobsQuery } from '../../../api/jobs/visibility-query.ts';
import { StorageError } from '../../../storage/errors.ts';
import { makeBareNamespace } from '../../support/bare-namespace.ts';
import { makeTestStorage } from '../../support/emulator.ts';
import { sharedTemporal } from '../../support/temporal.ts';
import { newJob, silent } from './support.ts';

describe('what a dependency did that is of no service', function () {
  this.timeout(60_000);

  const told = (dependency: 'temporal' | 'storage', cause: unknown) =>
    new ServiceUnavailableError(dependency, cause).message;

  it('is a refusal where Temporal lacks the search attributes, of a job and of the list of jobs', async () => {
    const [{ address }, storage, { name }] = await Promise.all([
      sharedTemporal(),
      makeTestStorage(),
      makeBareNamespace(),
    ]);
    const connection = await Connection.connect({ address });
    const client = new Client({ connection, namespace: name });
    const { records } = storage.connect();
    const starter = new CopyStarter({ client, records, taskQueue: 'refusal', log: silent });
    await assert.rejects(starter.copy(newJob(['a'])), { name: 'ServiceUnavailableError', message: 'temporal refuses' });
    const list = new ExecutionList(client, jobsQuery({ requestor: 'alice' }));
    const error = await list.count().catch((reason: unknown) => reason);
    assert.equal(told('temporal', error), 'temporal refuses');
    await connection.close();
  });

  it('is a refusal where the namespace is gone', async () => {
    const { address } = await sharedTemporal();
    const connection = await Connection.connect({ address });
    const client = new Client({ connection, namespace: 'nons' });
    const error = await client.workflow
      .getHandle('any')
      .describe()
      .catch((reason: unknown) => reason);
    assert.equal(told('temporal', error), 'temporal refuses');
    await connection.close();
  });

  it('is the want of an answer where nothing listens, or time is over', async () => {
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    const client = new Client({ connection });
    const error = await client
      .withDeadline(Date.now() + 200, () => client.workflow.getHandle('any').describe())
      .catch((reason: unknown) => reason);
    assert.equal(told('temporal', error), 'temporal does not answer');
    assert.equal(told('temporal', new Error('no answer in time')), 'temporal does not answer');
    await connection.close();
  });

  it('is told of storage by its answer', () => {
    assert.equal(told('storage', new StorageError('forbidden', 'no', { status: 403 })), 'storage refuses');
    assert.equal(told('storage', new StorageError('unavailable', 'no', { status: 503 })), 'storage does not answer');
    assert.equal(told('storage', new StorageError('unavailable', 'no')), 'storage does not answer');
  });
});
