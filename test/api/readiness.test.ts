import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { createReadiness } from '../../api/readiness.ts';
import { ConfigError } from '../../config/config.ts';
import { MissingAttributesError } from '../../config/namespace.ts';
import { makeBareNamespace } from '../support/bare-namespace.ts';
import { makeTestStorage } from '../support/emulator.ts';
import { sharedTemporal } from '../support/temporal.ts';

describe('readiness', function () {
  this.timeout(60_000);

  /** Readiness on real servers; `visibility` is done instead of each count. */
  async function withReadiness<T>(
    { namespace, bucket, visibility }: { namespace?: string; bucket?: string; visibility?: () => Promise<never> },
    use: (readiness: ReturnType<typeof createReadiness>, counts: () => number) => Promise<T>,
  ): Promise<T> {
    const [temporal, storage] = await Promise.all([sharedTemporal(), makeTestStorage()]);
    const connection = await Connection.connect({ address: temporal.address });
    const { workflowService } = connection;
    const count = workflowService.countWorkflowExecutions.bind(workflowService);
    let counts = 0;
    workflowService.countWorkflowExecutions = ((request: Parameters<typeof count>[0]) => {
      counts += 1;
      return visibility === undefined ? count(request) : visibility();
    }) as typeof count;
    const readiness = createReadiness({
      client: new Client({ connection, namespace: namespace ?? temporal.namespace }),
      ...{ connection, namespace: namespace ?? temporal.namespace },
      ...{ objects: storage.connect().objects, controlBucket: bucket ?? storage.controlBucket },
    });
    try {
      return await use(readiness, () => counts);
    } finally {
      await connection.close();
    }
  }

  it('is told of a namespace and a bucket that are there, and the search attributes are looked for once', async () => {
    await withReadiness({}, async ({ temporal, storage }, counts) => {
      await storage();
      for (let look = 0; look < 3; look++) await temporal();
      assert.equal(counts(), 2);
    });
  });

  it('says of a namespace, and of a bucket, that it does not exist', async () => {
    await withReadiness({ namespace: 'nons', bucket: 'nobucket' }, async ({ temporal, storage }) => {
      await assert.rejects(temporal(), ConfigError);
      await assert.rejects(storage(), ConfigError);
    });
  });

  it('says of a namespace that it lacks the search attributes, at each look', async () => {
    const { name } = await makeBareNamespace();
    await withReadiness({ namespace: name }, async ({ temporal }) => {
      for (let look = 0; look < 2; look++) await assert.rejects(temporal(), MissingAttributesError);
    });
  });

  it('does without what counts jobs: none is needed to start one', async () => {
    for (const visibility of [() => Promise.reject(new Error('away')), () => new Promise<never>(() => undefined)]) {
      await withReadiness({ visibility }, async ({ temporal }) => {
        await temporal();
      });
    }
  });
});
