import type { Job } from '../../cli/http/answers.ts';
import type { JobState } from '../../contract/states.ts';

export const ID = 'c7164076-9224-401c-a6bd-21908563abf8';

/** A job of so many files, some of which are done. */
export function jobOf(state: JobState, counts: Partial<Job['counts']> = {}): Job {
  const all = { requested: 0, completed: 0, skipped: 0, failed: 0, cancelled: 0, bytes: 0, ...counts };
  const pending = all.requested - all.completed - all.skipped - all.failed - all.cancelled;
  const startedAt = '2026-03-02T09:14:00.000+00:00';
  return { correlationId: ID, state, counts: { ...all, pending }, startedAt, endedAt: null, message: '' };
}

/** The same job, ended so many seconds after its start. */
export function endedAfter(seconds: number, job: Job): Job {
  const endedAt = new Date(Date.parse(job.startedAt) + seconds * 1_000).toISOString();
  return { ...job, endedAt };
}

/** The answer of GET /apollo/status/logs. */
export function logsOf(job: Job, files: { fileName: string; message: string }[] = []) {
  const data = files.map(({ fileName, message }) => ({ state: 'Failed', message, payload: { fileName } }));
  const paging = { totalCount: data.length, continuationToken: null };
  return { status: { message: 'Status logs', code: '200' }, data, paging, job };
}
