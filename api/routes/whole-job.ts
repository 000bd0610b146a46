import type { Context } from 'hono';
import { viewerOf } from '../auth/caller.ts';
import type { ApiDeps, ApiEnv } from '../context.ts';
import type { Quota } from '../quota.ts';
import { openJobPages, type JobPages } from '../views/job-pages.ts';
import { whenSent } from '../when-sent.ts';

type WholeJobDeps = Pick<ApiDeps, 'jobs' | 'log'> & { wholeJobs: Quota };

/** Counts an answer as one of few until it is out: all of a job is read for it. Throws HttpError where there are too many. */
export function takeWholeJob(c: Context<ApiEnv>, wholeJobs: Quota): void {
  whenSent(c, wholeJobs.take(c.get('caller').requestor.caller));
}

/**
 * All files of a job for an answer that tells of each of them, which counts as one of few. Throws HttpError where there
 * are too many of them, and what `openJobPages` throws.
 */
export async function openWholeJob(
  c: Context<ApiEnv>,
  { jobs, log, wholeJobs }: WholeJobDeps,
  correlationId: string,
): Promise<JobPages> {
  takeWholeJob(c, wholeJobs);
  return await openJobPages({ jobs, log }, correlationId, viewerOf(c.get('caller')));
}
