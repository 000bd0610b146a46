import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { MAX_PAGE_LIMIT } from '../../contract/limits.ts';
import { JOB_STATES } from '../../contract/states.ts';
import { jobsAnswer, type Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { connectApi } from '../http/connect.ts';
import { Output } from '../output.ts';
import { JOB_COLUMNS, jobRow } from '../watch/job-text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

const USUAL_LIMIT = 20;

/** Takes whatever Date does, and gives it as the API wants it. */
function time(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time, such as 2026-03-02T09:15:00Z.');
  return new Date(ms).toISOString();
}

async function* listJobs(api: ApiClient, filter: Record<string, string | undefined>, limit: number) {
  let left = limit;
  let continuationToken: string | null | undefined;
  do {
    const given = { ...filter, limit: String(Math.min(left, MAX_PAGE_LIMIT)), continuationToken };
    const query = new URLSearchParams(Object.entries(given).filter((entry): entry is [string, string] => !!entry[1]));
    const { answer } = await api.request(`/apollo/files/copy?${query.toString()}`, jobsAnswer);
    yield* answer.data;
    left -= answer.data.length;
    continuationToken = answer.paging.continuationToken;
  } while (continuationToken !== null && left > 0);
}

/** `apollo list`: the caller's jobs. */
export function addList({ program, context }: CommandSet): void {
  program
    .command('list')
    .summary('list jobs, newest first')
    .description("Lists the caller's jobs, newest first, as far as Temporal remembers them.")
    .addOption(new Option('--state <state>', 'only jobs in this state').choices(JOB_STATES))
    .option('--since <time>', 'only jobs that started then or later', time)
    .option('--until <time>', 'only jobs that started before that', time)
    .option('--requestor <caller>', "only this caller's jobs (for administrators)")
    .option('--limit <n>', `at most so many`, common.wholeNumberFrom(1, 999_999_999), USUAL_LIMIT)
    .addOption(common.apiOption)
    .addOption(common.tokenOption)
    .addOption(common.tokenCommandOption)
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples('apollo list --state CompletedWithErrors --since 2026-03-01'))
    .action(async ({ state, since, until, requestor, limit, ...options }) => {
      const api = connectApi(options, context);
      const jobs = listJobs(api, { state, startTime: since, endTime: until, requestor }, limit);
      await new Output(context, options).showAll<Job>(jobs, {
        header: JOB_COLUMNS,
        row: (job) => jobRow(job, context.clock.now()),
        none: 'No jobs',
      });
    });
}
