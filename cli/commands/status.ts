import { usageError } from '../cli-error.ts';
import { deadlineAfter } from '../clock.ts';
import { connectApi } from '../http/connect.ts';
import { Output } from '../output.ts';
import { lookAtJob } from '../watch/follow-job.ts';
import { showJob } from '../watch/show-job.ts';
import { watchJob } from '../watch/watch-job.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

/** `apollo status`: one job, now or until it ends. */
export function addStatus({ program, context, exitWith }: CommandSet): void {
  program
    .command('status')
    .summary('show a job, once or until it ends')
    .description(
      'Shows how a job stands, and ends with the exit code of its state. With --watch: a progress bar at a terminal, else ' +
        'a line of JSON for every change, until it has ended; an API that restarts meanwhile is waited for.',
    )
    .argument('<correlation-id>', 'the job', common.correlationId)
    .option('-w, --watch', 'until the job has ended')
    .addOption(common.timeoutOption)
    .addOption(common.apiOption)
    .addOption(common.tokenOption)
    .addOption(common.tokenCommandOption)
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples(`apollo status ${common.EXAMPLE_ID} --watch`))
    .action(async (id, options) => {
      if (options.timeout !== undefined && options.watch !== true) throw usageError('--timeout needs --watch');
      const output = new Output(context, options);
      const api = connectApi(options, context);
      if (options.watch === true) {
        const deadline = deadlineAfter(options.timeout, context.clock);
        exitWith(await watchJob(api, id, { context, output, deadline }));
        return;
      }
      exitWith(await showJob(api, await lookAtJob(api, id), { context, output }));
    });
}
