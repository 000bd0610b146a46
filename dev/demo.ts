import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readCommandLine } from './command-line.ts';
import { isEndState } from '../contract/states.ts';
import { createApiClient, type Answer, type ApiClient, type CopyBody, type LogsBody } from './api-client.ts';
import type { Emulator } from './emulator.ts';
import { EXAMPLE_FILES, EXAMPLE_REQUEST, exampleObjects, makeExample } from './example.ts';
import { launch, Problem } from './launch.ts';
import { curlPost, heading, seconds, show, step, table } from './output.ts';
import type { Stack } from './stack.ts';

/** `npm run demo`: the documented example on the embedded stack, from POST to copied bytes. */

const CALLER = 'demo-caller';
const TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 200;

async function demo(stack: Stack, signal: AbortSignal): Promise<void> {
  await step('Collections: example-collection-original and example-collection-copy', () =>
    makeExample(stack.emulator, CALLER),
  );
  const client = createApiClient(await stack.token({ sub: CALLER }), signal);
  const copyUrl = `${stack.apiUrl}/apollo/files/copy`;

  heading('The request');
  show(curlPost(copyUrl, '$TOKEN', EXAMPLE_REQUEST));
  const accepted = await postUntilDecided(client, copyUrl, signal);
  heading(`The answer: ${accepted.status}, after ${Math.round(accepted.tookMs)} ms`);
  show(accepted.body);
  if (accepted.status !== 200) throw new Problem(`The request was answered ${accepted.status}, not 200`);

  heading('Its status');
  const { CorrelationId, Result } = accepted.body.data;
  const statusUrl = Result.slice(Result.indexOf('http'));
  const logs = await step('Followed statusURL to the end of the job', () => followJob(client, statusUrl, signal));
  show(`Job ${logs.job.state}`);
  const files = logs.data.map(({ payload, state, retryCount, message }) => {
    return [payload.fileName, state, bytes(payload.size ?? 0), `retries ${retryCount}`, message];
  });
  show(table(files));
  const track = await client.get(`${stack.apiUrl}/apollo/files/track/${CorrelationId}`);
  heading('GET /apollo/files/track/{correlationId}');
  show(track.body);
  if (logs.job.state !== 'Completed') throw new Problem(`The job ended ${logs.job.state}: ${logs.job.message}`);

  heading('At the destination');
  show(table(await Promise.all(EXAMPLE_FILES.map(({ fileName }) => compare(stack.emulator, fileName)))));
}

/** The first answer may be 202 where the machine is slow; replaying the request with its id gets the decided one. */
async function postUntilDecided(client: ApiClient, url: string, signal: AbortSignal): Promise<Answer<CopyBody>> {
  const deadline = performance.now() + TIMEOUT_MS;
  let answer = await client.post<CopyBody>(url, EXAMPLE_REQUEST);
  while (answer.status === 202 && answer.correlationId !== null && performance.now() < deadline) {
    await delay(POLL_INTERVAL_MS, undefined, { signal });
    answer = await client.post<CopyBody>(url, EXAMPLE_REQUEST, { 'x-correlation-id': answer.correlationId });
  }
  return answer;
}

async function followJob(client: ApiClient, statusUrl: string, signal: AbortSignal): Promise<LogsBody> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { status, body } = await client.get<LogsBody>(statusUrl);
    if (status !== 200) throw new Problem(`GET ${statusUrl} was answered ${status}: ${JSON.stringify(body)}`);
    if (isEndState(body.job.state)) return body;
    if (performance.now() > deadline) {
      throw new Problem(`The job is still ${body.job.state} after ${TIMEOUT_MS / 1_000} s`);
    }
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** Compares a copy with its original, byte by byte, as storage holds them. */
async function compare(emulator: Emulator, fileName: string): Promise<string[]> {
  const { source, copy } = exampleObjects(fileName);
  const [original, copied, state] = await Promise.all([
    emulator.getObject(...source),
    emulator.getObject(...copy),
    emulator.statObject(...copy),
  ]);
  if (original === undefined || copied === undefined || state === undefined) {
    throw new Problem(`${fileName} is not at the destination`);
  }
  if (!Buffer.from(original).equals(copied)) throw new Problem(`${fileName} differs from its original`);
  const sha256 = createHash('sha256').update(copied).digest('hex');
  return [
    `gs://${copy.join('/')}`,
    bytes(copied.length),
    `crc32c ${state.crc32c}`,
    `sha256 ${sha256.slice(0, 16)}…`,
    'equal',
  ];
}

function bytes(count: number): string {
  return `${count.toLocaleString('en-GB')} bytes`;
}

const USAGE = `npm run demo

  --help  shows this

Brings up the embedded stack, copies two files through its API, shows what a caller sees, and ends everything again.`;

/** Whether it is to run; undefined: help is asked for. Throws TypeError for what it does not know. */
function readDemo(args: string[]): true | undefined {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h', default: false } } });
  return values.help ? undefined : true;
}

async function run(): Promise<void> {
  const started = performance.now();
  console.log('Apollo file copy: two files, from a POST to bytes at their destination.\n');
  await launch({
    async run(stack, signal) {
      await demo(stack, signal);
      console.log('');
      await step('Everything stopped, data removed', () => stack.stop());
      console.log(`\nDone in ${seconds(started)}.`);
    },
  });
}

if (import.meta.main) {
  const read = () => readDemo(process.argv.slice(2));
  if (readCommandLine({ name: 'demo', usage: USAGE, read }) !== undefined) await run();
}
