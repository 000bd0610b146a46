import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { JobDirectory } from '../activities/index.ts';

/** Temporal gets this long to say whether a job runs, in milliseconds. */
const DESCRIBE_TIMEOUT_MS = 3_000;

/** Knows which jobs run by asking Temporal. */
export function createJobDirectory(client: Client): JobDirectory {
  return {
    namespace: client.options.namespace,
    async stateOf({ correlationId, firstRunId }) {
      try {
        const { raw, status } = await client.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
          client.workflow.getHandle(correlationId).describe(),
        );
        const isSameChain = raw.workflowExecutionInfo?.firstRunId === firstRunId;
        return isSameChain && status.name === 'RUNNING' ? 'running' : 'ended';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'unknown';
        throw error;
      }
    },
  };
}
