import { usageError } from '../cli-error.ts';
import { startJob } from '../copy/start-job.ts';
import { jobAnswer } from '../http/answers.ts';
import { connectApi } from '../http/connect.ts';
import { Output } from '../output.ts';
import { jobText } from '../watch/job-text.ts';
import type { CommandSet } from './command-set.ts';
import * as common from './options.ts';

const ACTIONS = {
  cancel: {
    summary: 'end a job early',
    description: 'Starts no new write within a second. Files that were copied by then stay copied.',
  },
  pause: { summary: 'stop copying; the job keeps its locks', description: 'Stops copying. The job keeps its locks.' },
  resume: { summary: 'go on with a paused job', description: 'Goes on with a paused job, from what is done.' },
} as const;

/** What a job that waits for its decision shows nothing of. */
const PAUSED_LATER = '  It is paused as soon as it is accepted.';

/** `apollo cancel`, `pause` and `resume`: a signal to a job; shows how it stands after it. */
export function addControl({ program, context }: CommandSet): void {
  for (const [action, { summary, description }] of Object.entries(ACTIONS)) {
    program
      .command(action)
      .summary(summary)
      .description(`${description} Again on the same state changes nothing; a job that has ended is a conflict.`)
      .argument('<correlation-id>', 'the job', common.correlationId)
      .addOption(common.apiOption)
      .addOption(common.tokenOption)
      .addOption(common.tokenCommandOption)
      .addOption(common.jsonOption)
      .addHelpText('after', common.examples(`apollo ${action} ${common.EXAMPLE_ID}`))
      .action(async (id, options) => {
        const api = connectApi(options, context);
        const { answer } = await api.request(`/apollo/files/copy/${id}/${action}`, jobAnswer, { method: 'POST' });
        const output = new Output(context, options);
        output.show(answer.data, jobText(answer.data, context.clock.now()));
        if (action === 'pause' && answer.data.state === 'Requested') output.say(PAUSED_LATER);
      });
  }
}

/** `apollo retry`: a new job with what another one left. */
export function addRetry({ program, context, exitWith }: CommandSet): void {
  program
    .command('retry')
    .summary('copy again what a job failed or was cancelled to copy')
    .description('Starts a new job with the files of another one that failed or were cancelled, and the same options.')
    .argument('<correlation-id>', 'the job that left them', common.correlationId)
    .option('--id <uuid>', 'correlation id of the new job', common.correlationId)
    .option('--wait', 'show the new job until it has ended, and end with the exit code of its state')
    .addOption(common.timeoutOption)
    .addOption(common.apiOption)
    .addOption(common.tokenOption)
    .addOption(common.tokenCommandOption)
    .addOption(common.jsonOption)
    .addHelpText('after', common.examples(`apollo retry ${common.EXAMPLE_ID} --wait`))
    .action(async (of, options) => {
      if (options.id === of)
        throw usageError('--id is for the new job: give another one than that of the job it retries');
      const output = new Output(context, options);
      const api = connectApi(options, context);
      exitWith(await startJob({ ...options, api, context, output, path: `/apollo/files/copy/${of}/retry` }));
    });
}
