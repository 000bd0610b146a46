import type { JobStatus } from '../../contract/messages.ts';
import type { CopyData } from '../schemas/copy-answer.ts';
import { jobView } from './job-view.ts';

/**
 * What a caller is told of a job that was started.
 * `requested`: null while that is not known; `job`: where they waited for it.
 */
export function copyData(
  publicUrl: string,
  correlationId: string,
  requested: number | null,
  job?: JobStatus,
): CopyData {
  const statusUrl = `${publicUrl}/apollo/status/logs?correlationId=${correlationId}`;
  return {
    Result: `Please check the status of your request at statusURL: ${statusUrl}`,
    Message: `Number of file copy requests:${requested ?? 'pending'}`,
    CorrelationId: correlationId,
    ...(job !== undefined && { Job: jobView(job) }),
  };
}
