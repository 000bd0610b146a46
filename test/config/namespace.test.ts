import assert from 'node:assert/strict';
import { Connection, type ConnectionLike } from '@temporalio/client';
import { ConfigError } from '../../config/config.ts';
import { findNamespace, MissingAttributesError, searchAttributes } from '../../config/namespace.ts';
import { makeBareNamespace } from '../support/bare-namespace.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually } from '../workflows/support.ts';

describe('the Temporal namespace', function () {
  this.timeout(60_000);

  it('is found where it is there, by either kind of connection', async () => {
    const { address, namespace, nativeConnection } = await sharedTemporal();
    const connection = await Connection.connect({ address });
    await findNamespace(nativeConnection, namespace);
    await findNamespace(connection, namespace);
    await connection.close();
  });

  it('is a wrong setting where Temporal says that it does not exist, by either kind of connection', async () => {
    const { address, nativeConnection } = await sharedTemporal();
    const connection = await Connection.connect({ address });
    const isNamed = new ConfigError('TEMPORAL_NAMESPACE names a namespace that does not exist: nons');
    await assert.rejects(findNamespace(nativeConnection, 'nons'), isNamed);
    await assert.rejects(findNamespace(connection, 'nons'), isNamed);
    await connection.close();
  });

  it('is no wrong setting where Temporal does not answer', async () => {
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    const find = () => findNamespace(connection, 'default');
    await assert.rejects(connection.withDeadline(Date.now() + 200, find), (error) => !(error instanceof ConfigError));
    await connection.close();
  });
});

describe('the search attributes', function () {
  this.timeout(60_000);

  it('are said to be missing, with the command that makes them, until they are there', async () => {
    const [{ nativeConnection }, { name, makeAttributes }] = await Promise.all([sharedTemporal(), makeBareNamespace()]);
    const attributes = searchAttributes(nativeConnection, name);
    const lacks = (missing: string, command: string) => ({
      name: 'MissingAttributesError',
      message:
        `the Temporal namespace ${name} lacks search attributes (${missing}): ` +
        `temporal operator search-attribute create --namespace ${name} ${command}`,
    });
    const [requestor, state] = ['--name CopyRequestor --type Keyword', '--name CopyState --type Keyword'];
    await assert.rejects(attributes.find(), lacks('CopyRequestor, CopyState', `${requestor} ${state}`));
    await makeAttributes(['CopyState']);
    await eventually(async () => {
      const error = await attributes.find().catch((found: unknown) => found);
      return error instanceof Error && error.message === lacks('CopyRequestor', requestor).message;
    });
    await makeAttributes(['CopyRequestor']);
    await eventually(() =>
      attributes.find().then(
        () => true,
        () => false,
      ),
    );
  });

  /** Temporal as it answers one look after the other. */
  function answering(...answers: (() => Promise<unknown>)[]) {
    const asked: string[] = [];
    const workflowService = {
      countWorkflowExecutions({ query }: { query: string }) {
        asked.push(query);
        return (answers.shift() ?? (() => Promise.resolve({})))();
      },
    };
    const connection = { workflowService } as unknown as ConnectionLike;
    return { attributes: searchAttributes(connection, 'default'), asked };
  }

  it('are asked for until they were found once', async () => {
    const { attributes, asked } = answering(() => Promise.reject(new Error('away')));
    await assert.rejects(attributes.find(), /away/);
    for (let look = 0; look < 3; look++) await attributes.find();
    assert.deepEqual(asked.length, 4, asked.join());
  });

  it('are not said to be missing where Temporal answers anything else', async () => {
    for (const code of [7, 12, 14]) {
      const error = Object.assign(new Error('no'), { code, details: '', metadata: {} });
      const { attributes } = answering(() => Promise.reject(error));
      await assert.rejects(attributes.find(), (found) => !(found instanceof MissingAttributesError));
    }
  });
});
