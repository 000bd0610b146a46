import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable, Writable } from 'node:stream';
import type { Clock } from '../../cli/clock.ts';
import type { CliContext, OutputStream } from '../../cli/context.ts';
import { run } from '../../cli/run.ts';

interface Surroundings {
  env?: Record<string, string>;
  /** What comes on standard input. */
  input?: string | Uint8Array;
  /** Whether standard input and output are a terminal; how wide it is. */
  tty?: boolean;
  columns?: number;
  clock?: Clock;
  signal?: AbortSignal;
}

/** What came of a command. */
export interface Outcome {
  code: number;
  /** All that was written to standard output, as it was. */
  stdout: string;
  stderr: string;
  /** The lines that are left on the screen, or in the file. */
  lines: string[];
}

/** A stream that keeps what is written to it. */
export function sink({ tty = false, columns = 100 } = {}): OutputStream & { text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return Object.assign(stream, { text: () => Buffer.concat(chunks).toString(), ...(tty && { isTTY: true, columns }) });
}

/** Time that passes only where somebody waits. */
export function idleClock(start = Date.parse('2026-03-02T09:15:00Z')): Clock {
  let now = start;
  return {
    now: () => now,
    pause(ms, signal) {
      signal.throwIfAborted();
      now += ms;
      return Promise.resolve();
    },
  };
}

/** The clock of the machine, with pauses of a tenth of a second at most. */
const quickClock: Clock = {
  now: Date.now,
  async pause(ms, signal) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 100)));
    signal.throwIfAborted();
  },
};

/** Runs a command line in this process. */
export async function cli(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const { env = {}, input = '', tty = false, columns = 100, clock = quickClock } = surroundings;
  const [stdout, stderr] = [sink({ tty, columns }), sink({ tty, columns })];
  const stdin = Object.assign(Readable.from([Buffer.from(input)]), tty && { isTTY: true });
  const { signal = new AbortController().signal } = surroundings;
  const context: CliContext = { env, stdin, stdout, stderr, clock, signal };
  const code = await run(args, context);
  return { code, stdout: stdout.text(), stderr: stderr.text(), lines: onScreen(stdout.text()) };
}

/** What a terminal still shows at the end: lines that were cleared are gone. */
export function onScreen(text: string): string[] {
  const lines = text.split('\n').map((line) => line.slice(line.lastIndexOf('\u001b[2K') + 1).replace(/^\[2K/, ''));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** What a line of standard output says as JSON. */
export function json(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? '') as Record<string, unknown>;
}

type Reply = { status?: number; headers?: Record<string, string>; body: unknown } | 'hang up' | 'no answer';

export interface SeenRequest {
  method: string;
  path: string;
  authorization: string;
  correlationId: string | undefined;
  body: string;
}

/** An API that answers each request by a script, and notes what it was asked. */
export async function scriptedApi(reply: (request: SeenRequest, index: number) => Reply) {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const seen = {
        method,
        path: url,
        authorization: headers.authorization ?? '',
        correlationId: headers['x-correlation-id']?.toString(),
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(seen);
      const answer = reply(seen, requests.length - 1);
      if (answer === 'no answer') return;
      if (answer === 'hang up') {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    env: { APOLLO_API_URL: `http://127.0.0.1:${port}`, APOLLO_TOKEN: 'token-1' },
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
