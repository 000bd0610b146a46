import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';

const QUEUE = 'bench-bare';

/** A workflow that only answers, and a worker for it in this process: the least a durable answer costs. */
export interface Bare {
  /** One update-with-start, from call to answer, in milliseconds. */
  time(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the worker of the bare workflow. */
export async function startBare(client: Client, connection: NativeConnection): Promise<Bare> {
  const worker = await Worker.create({
    connection,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL('bare-workflow.ts', import.meta.url)),
  });
  const running = worker.run();
  return {
    async time() {
      const startedAt = performance.now();
      await client.workflow.executeUpdateWithStart('answer', {
        startWorkflowOperation: new WithStartWorkflowOperation('bare', {
          workflowId: randomUUID(),
          taskQueue: QUEUE,
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      });
      return performance.now() - startedAt;
    },
    async stop() {
      worker.shutdown();
      await running;
    },
  };
}
