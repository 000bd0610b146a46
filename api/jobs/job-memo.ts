import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { JobMemo } from '../../contract/messages.ts';

/** What a job's workflow has as its memo. One that was started by hand may have none, or half of one. */
export function memoOf({ memo, startTime }: Pick<WorkflowExecutionInfo, 'memo' | 'startTime'>): JobMemo {
  return { receivedAt: startTime.getTime(), requested: 0, ...(memo as Partial<JobMemo>) } as JobMemo;
}
