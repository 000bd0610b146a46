import { z } from 'zod';
import { FORETOLD, isForetold, verdictOf } from '../../contract/dry-run.ts';
import type { FileState } from '../../contract/states.ts';
import { UnreachableError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { logsAnswer, type Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { fileText, wholeNumber } from '../text.ts';

/** What a dry run foretold: files by what would happen to them. */
export interface Forecast {
  wouldCopy: number;
  wouldReplace: number;
  wouldSkip: number;
  wouldFail: number;
}

/** A forecast with the first files that would fail. */
export interface DryRunFound {
  forecast: Forecast;
  failures: { fileName: string; message: string }[];
}

/** So many failures are shown; the report has them all. */
const SHOWN = 10;

const row = z.object({ fileName: z.string(), state: z.string(), message: z.string() });

/**
 * What a job that has ended foretold of its files, by its report; undefined where it was no dry run. Throws CliError.
 */
export async function readDryRun(api: ApiClient, job: Job): Promise<DryRunFound | undefined> {
  if (!(await isDryRun(api, job))) return undefined;
  const forecast: Forecast = { wouldCopy: 0, wouldReplace: 0, wouldSkip: 0, wouldFail: 0 };
  const failures: DryRunFound['failures'] = [];
  for await (const { fileName, state, message } of rows(api, job.correlationId)) {
    const verdict = verdictOf(message);
    if (state === 'Failed' || verdict === 'failed') {
      forecast.wouldFail += 1;
      const text = isForetold(message) ? message.slice(FORETOLD.length) : message;
      if (failures.length < SHOWN) failures.push({ fileName, message: text });
    } else if (verdict === 'copied') forecast.wouldCopy += 1;
    else if (verdict === 'replaced') forecast.wouldReplace += 1;
    else forecast.wouldSkip += 1;
  }
  return { forecast, failures };
}

async function* rows(api: ApiClient, correlationId: string): AsyncGenerator<z.infer<typeof row>> {
  const report = await api.stream(`/apollo/files/copy/${correlationId}/report?format=ndjson`);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of report) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield row.parse(JSON.parse(line));
    }
  } catch (error) {
    throw new UnreachableError('the report broke off: what the dry run found is not known', { cause: error });
  }
}

/** All files of a dry run are skipped, each with a reason of its own kind. */
async function isDryRun(api: ApiClient, { correlationId, counts, endedAt }: Job): Promise<boolean> {
  if (endedAt === null || counts.completed > 0 || counts.skipped === 0) return false;
  const state: FileState = 'Skipped';
  const query = new URLSearchParams({ correlationId, state, limit: '1' });
  const { answer } = await api.request(`/apollo/status/logs?${query.toString()}`, logsAnswer);
  return answer.data.some(({ message }) => isForetold(message));
}

/** The exit code of a dry run that has ended with this one: other than 0 where a file would fail. */
export function exitCodeOfDryRun({ forecast }: DryRunFound, code: number): number {
  return code === EXIT.done && forecast.wouldFail > 0 ? EXIT.completedWithErrors : code;
}

/** What a dry run foretold, in words: the counts, then the files that would fail. */
export function dryRunText({ forecast, failures }: DryRunFound, correlationId: string): string[] {
  const named = [
    [forecast.wouldCopy, 'would be copied'],
    [forecast.wouldReplace, 'would be replaced'],
    [forecast.wouldSkip, 'would be skipped'],
    [forecast.wouldFail, 'would fail'],
  ] as const;
  const parts = named.filter(([count]) => count > 0).map(([count, what]) => `${wholeNumber(count)} ${what}`);
  const lines = failures.map((file) => `  ${fileText(file)}`);
  const more = forecast.wouldFail - failures.length;
  return [
    `Dry run, nothing was copied: ${parts.join(', ')} (locks are not looked at)`,
    ...lines,
    ...(more > 0 ? [`  and ${wholeNumber(more)} more: apollo report ${correlationId}`] : []),
  ];
}
