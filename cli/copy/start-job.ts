import { randomUUID } from 'node:crypto';
import { NOTHING_TO_COPY } from '../../contract/reasons.ts';
import { CliError, TimeOverError, usageError } from '../cli-error.ts';
import { deadlineAfter } from '../clock.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { copyAnswer, logsAnswer } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import { RefusalError } from '../http/refusal.ts';
import type { Output } from '../output.ts';
import { filesText, printable } from '../text.ts';
import { watchJob } from '../watch/watch-job.ts';

export interface JobStart {
  api: ApiClient;
  context: CliContext;
  output: Output;
  /** The route that starts it. */
  path: string;
  body?: string | undefined;
  /** Its correlation id; one of our own makes a repeated request start nothing twice. */
  id?: string | undefined;
  wait?: boolean | undefined;
  /** How long to wait, in seconds. */
  timeout?: number | undefined;
}

/** Starts a job and says which, or watches it to its end. Gives the exit code; throws CliError. */
export async function startJob({ api, context, output, path, body, ...options }: JobStart): Promise<number> {
  const { id = randomUUID(), wait = false, timeout } = options;
  if (timeout !== undefined && !wait) throw usageError('--timeout needs --wait');
  // From here on: the answer to the request counts too.
  const deadline = deadlineAfter(timeout, context.clock);
  const request = { method: 'POST', headers: { 'x-correlation-id': id }, deadline } as const;
  const { status, answer } = await api
    .request(path, copyAnswer, { ...request, ...(body !== undefined && { body }) })
    .catch(async (error: unknown) => {
      throw await explained(error, id, api);
    });
  const { CorrelationId: correlationId, Message, Result } = answer.data;
  const count = /:(\d+)$/.exec(Message)?.[1];
  const files = count === undefined ? null : Number(count);
  const isDecided = status === 200;
  const words = `Job ${correlationId} ${isDecided ? 'accepted' : 'started, not decided yet'}${
    files === null ? '' : `: ${filesText(files)}`
  }`;
  if (wait) {
    output.say(words);
    return await watchJob(api, correlationId, { context, output, deadline });
  }
  const statusUrl = Result.slice(Math.max(0, Result.indexOf('http')));
  output.show({ correlationId, accepted: isDecided, files, statusUrl }, words);
  if (files === 0) output.say(`  ${NOTHING_TO_COPY}`);
  output.say(`To see how it stands: apollo status ${correlationId} --watch`);
  return EXIT.done;
}

/** Names the job where that leads further: it may have been started. Where it was rejected, its record says why. */
async function explained(error: unknown, id: string, api: ApiClient): Promise<unknown> {
  if (error instanceof TimeOverError) {
    return new TimeOverError(`${error.message}; the job may have been started: apollo status ${id}`, { cause: error });
  }
  if (error instanceof RefusalError && error.status === 403 && !error.isOfToken) {
    const why = await reasonOf(id, api);
    const more = why === undefined ? `why: apollo status ${id}` : printable(why);
    return new CliError(error.exitCode, `${error.message}; ${more}`, { cause: error });
  }
  return error;
}

/** What a job's record says; undefined where that cannot be had. */
async function reasonOf(id: string, api: ApiClient): Promise<string | undefined> {
  try {
    const { answer } = await api.request(`/apollo/status/logs?correlationId=${id}&limit=1`, logsAnswer);
    return answer.job.message === '' ? undefined : answer.job.message;
  } catch {
    return undefined;
  }
}
