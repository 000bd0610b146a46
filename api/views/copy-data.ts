import type { JobStatus } from '../../contract/messages.ts';
import type { CopyData } from '../schemas/copy-answer.ts';
import { jobView } from './job-view.ts';

/**
 * What a caller is told of a job that was started.
 * `requested`: null where that is not known yet; `job`: where they waited for it.
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
    Message: `Number of file copy requests:${requested ?? counted(job) ?? 'pending'}`,
    CorrelationId: correlationId,
    ...(job !== undefined && { Job: jobView(job) }),
  };
}

/** How many files a job turned out to have; undefined while more may be found. */
function counted(job: JobStatus | undefined): number | undefined {
  return job?.endedAt === null ? undefined : job?.counts.requested;
}
