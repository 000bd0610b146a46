import type { CliContext } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';
import type { Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import type { Output } from '../output.ts';
import { dryRunText, exitCodeOfDryRun, readDryRun } from './dry-run.ts';
import { firstFilesText } from './first-files.ts';
import { jobText } from './job-text.ts';

/**
 * Shows how a job stands or ended, with what failed, or what a dry run found, and gives the exit code of that. Throws
 * CliError.
 */
export async function showJob(
  api: ApiClient,
  job: Job,
  { context, output }: { context: CliContext; output: Output },
): Promise<number> {
  const found = await readDryRun(api, job);
  output.show(found === undefined ? job : { ...job, dryRun: found.forecast }, jobText(job, context.clock.now()));
  if (found !== undefined) output.say(...dryRunText(found, job.correlationId));
  else if (!output.isJson) output.say(...(await firstFilesText(api, job)));
  return found === undefined ? exitCodeOf(job) : exitCodeOfDryRun(found, exitCodeOf(job));
}
