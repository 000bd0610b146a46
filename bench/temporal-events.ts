import type { Client } from '@temporalio/client';

/** How many events a workflow has in its history, in all runs that continue-as-new made of it. */
export async function countEvents(client: Client, workflowId: string): Promise<number> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  let runId = raw.workflowExecutionInfo?.firstRunId;
  let count = 0;
  while (runId) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    count += events?.length ?? 0;
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return count;
}
