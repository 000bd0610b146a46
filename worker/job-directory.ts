import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { JobDirectory } from '../activities/index.ts';
import { FILES_QUERY, RECONCILE_WORKFLOW } from '../contract/ids.ts';
import type { FileRecord, FilesPage, FilesQuery } from '../contract/messages.ts';
import { COPY_STATE } from '../contract/search-attributes.ts';
import { reconcileOptions } from '../contract/upkeep.ts';

/** Temporal gets this long to answer, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** Files that a workflow is asked for at a time. */
const FILES_A_QUERY = 1_000;

/** Knows which jobs run by asking Temporal; has those that were ended by force settled by workers of this task queue. */
export function createJobDirectory(client: Client, taskQueue: string): JobDirectory {
  const bounded = <T>(call: () => Promise<T>) => client.withDeadline(Date.now() + TIMEOUT_MS, call);
  const find: JobDirectory['find'] = async (correlationId) => {
    try {
      const description = await bounded(() => client.workflow.getHandle(correlationId).describe());
      const { raw, status, closeTime, typedSearchAttributes } = description;
      return {
        isRunning: status.name === 'RUNNING',
        firstRunId: raw.workflowExecutionInfo?.firstRunId ?? '',
        endedAt: closeTime?.getTime() ?? null,
        state: typedSearchAttributes.get(COPY_STATE),
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
  return {
    namespace: client.options.namespace,
    find,
    async stateOf({ correlationId, firstRunId }) {
      const execution = await find(correlationId);
      if (execution === undefined) return 'unknown';
      return execution.isRunning && execution.firstRunId === firstRunId ? 'running' : 'ended';
    },
    async filesOf({ correlationId, firstRunId }) {
      try {
        const handle = client.workflow.getHandle(correlationId);
        const { raw, runId } = await bounded(() => handle.describe());
        if (raw.workflowExecutionInfo?.firstRunId !== firstRunId) return undefined;
        const closed = client.workflow.getHandle(correlationId, runId);
        const files: FileRecord[] = [];
        for (let from: number | null = 0; from !== null;) {
          const query: FilesQuery = { from, limit: FILES_A_QUERY };
          const page: FilesPage = await bounded(() => closed.query<FilesPage, [FilesQuery]>(FILES_QUERY, query));
          files.push(...page.files);
          from = page.next;
        }
        return files;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    async reconcile(correlationId) {
      await bounded(() => client.workflow.start(RECONCILE_WORKFLOW, reconcileOptions(correlationId, taskQueue)));
    },
  };
}
