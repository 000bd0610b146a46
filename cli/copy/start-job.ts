import { randomUUID } from 'node:crypto';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { copyAnswer } from '../http/answers.ts';
import type { ApiClient } from '../http/client.ts';
import type { Output } from '../output.ts';
import { filesText } from '../text.ts';
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
  const { status, answer } = await api.request(path, copyAnswer, {
    method: 'POST',
    headers: { 'x-correlation-id': id },
    ...(body !== undefined && { body }),
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
    const timeoutMs = timeout === undefined ? undefined : timeout * 1_000;
    return await watchJob(api, correlationId, { context, output, timeoutMs });
  }
  const statusUrl = Result.slice(Math.max(0, Result.indexOf('http')));
  output.show({ correlationId, accepted: isDecided, files, statusUrl }, words);
  output.say(`To see how it stands: apollo status ${correlationId} --watch`);
  return EXIT.done;
}
