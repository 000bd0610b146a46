import type { Evidence, JobEvidence } from './evidence.ts';

/** What is known of each job, for whoever looks into it, by its correlation id. */
export function describeJobs({ jobs }: Evidence): Map<string, string> {
  return new Map(jobs.map((job) => [job.account.id, describe(job)]));
}

function describe({ account, final }: JobEvidence): string {
  const { plan, retryOf, postedAt, decision, terminatedAt, end } = account;
  const { action, kind, caller, files, options, number } = plan;
  const after = (at: number | undefined) => (at === undefined ? 'never' : `after ${at - postedAt} ms`);
  const lines = [
    `job ${account.id} (number ${number}, ${kind} of ${files.length} files by ${caller}, ${JSON.stringify(options)})`,
    ...(retryOf === undefined ? [] : [`retry of ${retryOf.id}`]),
    `posted ${new Date(postedAt).toISOString()}, decided ${decision ?? 'by its status'}, ended ${after(end?.at)}`,
    ...(action === undefined || retryOf !== undefined ? [] : [`${action.what} planned after ${action.afterMs} ms`]),
    ...(terminatedAt === undefined ? [] : [`terminated ${after(terminatedAt)}`]),
    `at last: ${JSON.stringify(final.told?.job ?? 'not known')}, ${final.told?.files.length ?? 0} records`,
  ];
  return lines.join('\n  ');
}
