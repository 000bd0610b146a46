import type { FileState } from '../../contract/states.ts';
import { logsAnswer, type Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { printable } from '../text.ts';

/** So many are shown; the report has them all. */
const SHOWN = 10;

/** The first files of a job that failed, each with its reason, and where to find the rest. Throws CliError. */
export async function failuresText(api: ApiClient, { correlationId, counts }: Job): Promise<string[]> {
  if (counts.failed === 0) return [];
  const state: FileState = 'Failed';
  const query = new URLSearchParams({ correlationId, state, limit: String(SHOWN) });
  const { answer } = await api.request(`/apollo/status/logs?${query.toString()}`, logsAnswer);
  const lines = answer.data.map(({ payload, message }) => `  ${printable(payload.fileName)}: ${printable(message)}`);
  const more = answer.paging.totalCount - answer.data.length;
  return more > 0 ? [...lines, `  and ${more} more: apollo report ${correlationId}`] : lines;
}
