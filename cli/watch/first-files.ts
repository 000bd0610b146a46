import { logsAnswer, type Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { fileText, wholeNumber } from '../text.ts';

/** So many that failed are shown; the report has them all. */
const SHOWN = 10;

/** The first files of a job that failed, each with its reason, and where to find the rest. Throws CliError. */
export async function failedFilesText(api: ApiClient, job: Job): Promise<string[]> {
  const failed = await firstFiles(api, job, 'Failed', SHOWN);
  const more = job.counts.failed - failed.length;
  return more > 0 ? [...failed, `and ${wholeNumber(more)} more: apollo report ${job.correlationId}`] : failed;
}

/**
 * The first files of a job that failed, and the first one that was skipped, each with its reason, and where to find the
 * rest. Throws CliError.
 */
export async function firstFilesText(api: ApiClient, job: Job): Promise<string[]> {
  const [failed, skipped] = await Promise.all([failedFilesText(api, job), firstFiles(api, job, 'Skipped', 1)]);
  return [
    ...failed.map((text) => `  ${text}`),
    ...skipped.map((text) => `  ${job.counts.skipped === 1 ? 'skipped' : 'the first skipped'}: ${text}`),
  ];
}

async function firstFiles(
  api: ApiClient,
  { correlationId, counts }: Job,
  state: 'Failed' | 'Skipped',
  limit: number,
): Promise<string[]> {
  if ((state === 'Failed' ? counts.failed : counts.skipped) === 0) return [];
  const query = new URLSearchParams({ correlationId, state, limit: String(limit) });
  const { answer } = await api.request(`/apollo/status/logs?${query.toString()}`, logsAnswer);
  return answer.data.map(({ payload: { fileName }, message }) => fileText({ fileName, message }));
}
