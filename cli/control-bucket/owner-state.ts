import { loadTemporalConfig } from '../../config/temporal.ts';
import type { JobOwner } from '../../contract/messages.ts';
import { isEndState } from '../../contract/states.ts';
import type { JobRecordStore } from '../../storage/job-records.ts';
import type { CliContext } from '../context.ts';
import { inOneLine } from '../text.ts';

/** Temporal gets this long to say whether a job runs, in milliseconds. */
const DESCRIBE_TIMEOUT_MS = 5_000;

/** Whether the job that owns a lock still runs; or why that cannot be told. */
export type OwnerState = 'running' | 'ended' | { unknown: string };

/**
 * Asks Temporal, by the settings that the worker has too. One that does not know the job may be another one than it runs
 * on: what the job's record says is held against that. Throws ConfigError and StorageError.
 */
export async function stateOfOwner(
  owner: JobOwner,
  { context: { env }, records }: { context: CliContext; records: JobRecordStore },
): Promise<OwnerState> {
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
    if (error instanceof WorkflowNotFoundError) return await stateByRecord(owner, records, connectionOptions.address);
    return { unknown: `Temporal at ${connectionOptions.address} cannot be asked: ${inOneLine(error)}` };
  } finally {
    await connection.close();
  }
}

async function stateByRecord(owner: JobOwner, records: JobRecordStore, address: string): Promise<OwnerState> {
  const record = (await records.read(owner.correlationId))?.record;
  if (record?.chain.firstRunId !== owner.firstRunId || isEndState(record.status.state)) return 'ended';
  return {
    unknown: `its record says that it has not ended, and Temporal at ${address} does not know it: is it that one (TEMPORAL_ADDRESS)?`,
  };
}
