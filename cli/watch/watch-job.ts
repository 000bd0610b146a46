import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Job } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { remark, type Output } from '../output.ts';
import { failedFilesText } from './first-files.ts';
import { followJob, isSettled, type Watcher } from './follow-job.ts';
import { doneFiles, progressText, reasonText } from './progress-text.ts';
import { RateMeter } from './rate-meter.ts';
import { showJob } from './show-job.ts';
import { StatusLine } from './status-line.ts';

/**
 * Shows a job until it ends: a bar at a terminal, else a line of JSON for every change, and on standard error the
 * reasons that it tells and the first files that failed. Gives the exit code of its state. Throws CliError, and
 * AbortError where the person interrupts: the job goes on then.
 */
export async function watchJob(
  api: ApiClient,
  correlationId: string,
  { context, output, deadline }: { context: CliContext; output: Output; deadline?: number | undefined },
): Promise<number> {
  const line = new StatusLine(context.stdout);
  const watcher = output.isJson ? jsonWatcher(context, output) : barWatcher(context, line);
  try {
    const job = await followJob(api, correlationId, context, { ...watcher, deadline });
    line.clear();
    // The last line of JSON says it already, unless it has been kept for what is known at the end.
    if (output.isJson && !isSettled(job)) return EXIT.notEnded;
    const exitCode = await showJob(api, job, { context, output });
    // Whoever reads the log of what waited for the job sees why it failed; what reads its JSON is not disturbed.
    if (output.isJson) for (const text of await failedFilesText(api, job)) remark(context, text);
    return exitCode;
  } finally {
    line.clear();
    if (context.signal.aborted) remark(context, `the job goes on; to end it: apollo cancel ${correlationId}`);
  }
}

function jsonWatcher(context: CliContext, output: Output): Watcher {
  let last = '';
  let told = '';
  let isSilent = false;
  return {
    onJob(job) {
      isSilent = false;
      const text = JSON.stringify(job);
      if (text !== last && !isSettled(job)) output.show(job, null);
      last = text;
      const reason = reasonText(job);
      if (reason === '' || reason === told) return;
      // For whoever reads along, as what failed is.
      remark(context, reason);
      told = reason;
    },
    onSilence(error) {
      if (!isSilent) remark(context, `${error.message}; trying again`);
      isSilent = true;
    },
  };
}

function barWatcher({ clock }: CliContext, line: StatusLine): Watcher {
  const meter = new RateMeter();
  let lastState: Job['state'] | undefined;
  return {
    onJob(job) {
      // What it did before a pause says nothing of how fast it goes on.
      if (job.state !== lastState) meter.reset();
      lastState = job.state;
      const rate = meter.note(clock.now(), { files: doneFiles(job), bytes: job.counts.bytes });
      line.show(progressText(job, rate, line.width));
    },
    onSilence(error) {
      line.show(`${error.message}; trying again`.slice(0, line.width));
    },
  };
}
