import { ConfigError } from '../../config/config.ts';
import { loadTemporalConfig } from '../../config/temporal.ts';
import type { JobOwner } from '../../contract/messages.ts';
import type { CliContext } from '../context.ts';
import { inOneLine } from '../text.ts';

/** Temporal gets this long to say whether a job runs, in milliseconds. */
const DESCRIBE_TIMEOUT_MS = 5_000;

/** Whether the job that owns a lock still runs; or why that cannot be told. */
export type OwnerState = 'running' | 'ended' | { unknown: string };

/** Asks Temporal, by the settings that the worker has too. Throws ConfigError. */
export async function stateOfOwner(owner: JobOwner, { env }: CliContext): Promise<OwnerState> {
  const { namespace, connectionOptions } = loadTemporalConfig(env);
  if (owner.namespace !== namespace) {
    return { unknown: `it belongs to the Temporal namespace ${owner.namespace}, not ${namespace}` };
  }
  // No other command pays for loading Temporal's client.
  const { Client, Connection, WorkflowNotFoundError } = await import('@temporalio/client');
  const connection = Connection.lazy(connectionOptions);
  try {
    const client = new Client({ connection, namespace });
    const { raw, status } = await client.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
      client.workflow.getHandle(owner.correlationId).describe(),
    );
    const isSameChain = raw.workflowExecutionInfo?.firstRunId === owner.firstRunId;
    return isSameChain && status.name === 'RUNNING' ? 'running' : 'ended';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'ended';
    if (error instanceof ConfigError) throw error;
    return { unknown: `Temporal at ${connectionOptions.address} cannot be asked: ${inOneLine(error)}` };
  } finally {
    await connection.close();
  }
}
