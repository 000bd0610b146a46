import { ApplicationFailure, CancellationScope, CancelledFailure, workflowInfo } from '@temporalio/workflow';
import type { CopyFilesInput, CopyRequest, JobOwner, JobStatus } from '../contract/messages.ts';
import { copyBulk, type CarriedBulk } from './copy-bulk.ts';
import { copyList, type CarriedList } from './copy-list.ts';

/**
 * One copy job: claim the correlation id, which is the workflow id, check access, take all locks or none, copy, give the
 * locks back, close the record. Ends with the job's status; as failed where every file failed, and as cancelled
 * where Temporal was asked to cancel it and files remained. `carried`: what an earlier run of the same job has done.
 */
export async function copyFiles(
  input: CopyFilesInput<CopyRequest>,
  carried?: CarriedBulk | CarriedList,
): Promise<JobStatus> {
  const { workflowId: correlationId, firstExecutionRunId: firstRunId, namespace } = workflowInfo();
  const owner: JobOwner = { kind: 'job', correlationId, firstRunId, namespace };
  const root = CancellationScope.current();
  const { request } = input;
  const status =
    'bulk' in request
      ? await copyBulk(owner, { ...input, request }, carried as CarriedBulk | undefined)
      : await copyList(owner, { ...input, request }, carried as CarriedList | undefined);
  if (status.state === 'Failed') throw ApplicationFailure.nonRetryable('Every file failed', 'CopyFailed', status);
  if (status.state === 'Cancelled' && root.consideredCancelled) throw new CancelledFailure('The job was cancelled');
  return status;
}
