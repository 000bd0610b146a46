import assert from 'node:assert/strict';
import type { ApiLimits } from '../../../api/limits.ts';
import { LIMITS } from '../../../api/limits.ts';
import type { JobService } from '../../../api/jobs/job-service.ts';
import { listen } from '../../../api/server.ts';
import type { JobStatus } from '../../../contract/messages.ts';
import { FakeClock, settled } from '../../support/fake-clock.ts';
import { ID, JOB, NOW, setUp, token } from '../support.ts';

export const PATH = `/apollo/status/events?correlationId=${ID}`;

/** The job with so many of a thousand files copied. */
export function copied(completed: number): JobStatus {
  const counts = { ...JOB.counts, requested: 1_000, completed, pending: 1_000 - completed, bytes: completed * 10 };
  return { ...JOB, counts };
}

export const ENDED: JobStatus = { ...copied(1_000), state: 'Completed', endedAt: NOW + 5_000 };

export interface Message {
  event: string;
  id: string;
  data: { state: string; counts: { completed: number } };
}

/** The events of one answer, as they come in. */
export class EventReader {
  readonly messages: Message[] = [];
  comments = 0;
  #isOver = false;
  #rest = '';
  #wake: () => void = () => undefined;

  constructor(response: Response) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    this.#read(response).catch(() => {
      this.#end();
    });
  }

  /** Waits until there are so many events. */
  async count(wanted: number): Promise<Message[]> {
    while (this.messages.length < wanted && !this.#isOver) await this.#news();
    assert.ok(this.messages.length >= wanted, `the stream ended after ${this.messages.length} events`);
    return this.messages;
  }

  /** Waits until there are so many comments. */
  async commented(wanted: number): Promise<void> {
    while (this.comments < wanted && !this.#isOver) await this.#news();
    assert.equal(this.comments, wanted);
  }

  /** Waits for the end of the stream, and gives the names of all events there were. */
  async names(): Promise<string[]> {
    while (!this.#isOver) await this.#news();
    return this.messages.map(({ event }) => event);
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async #read({ body }: Response): Promise<void> {
    assert.ok(body);
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (this.#rest + text).split('\n\n');
      this.#rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
      this.#wake();
    }
    this.#end();
  }

  #take(block: string): void {
    if (block.startsWith(':')) this.comments += 1;
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
    const [event, id, data] = [fields.get('event'), fields.get('id'), fields.get('data')];
    if (event === undefined || id === undefined || data === undefined) return;
    this.messages.push({ event, id, data: JSON.parse(data) as Message['data'] });
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}

interface Options {
  /** How the job stands at each look, the first of which is that of whoever comes. */
  status: JobService['status'];
  limits?: Partial<ApiLimits>;
  stopping?: AbortSignal;
}

/** An app behind a real socket, on a clock that goes on only when it is told to. */
export async function serve({ status, limits = {}, stopping }: Options) {
  const clock = new FakeClock();
  const listener = await listen('127.0.0.1', 0);
  const api = setUp({
    jobs: { status },
    limits: { ...LIMITS, ...limits },
    clock,
    ...(stopping && { stopping }),
  });
  listener.answer(api.app.fetch);
  const open = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(listener.url + PATH, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(signal && { signal }),
    });
  return {
    ...api,
    clock,
    listener,
    open,
    /** Opens a stream and waits for what comes first. */
    listenTo: async (headers: Record<string, string> = {}, signal?: AbortSignal) => {
      const reader = new EventReader(await open(headers, signal));
      await reader.count(1);
      // What is written to a socket here is taken in the same turn; then the server sets its timers.
      await settled();
      return reader;
    },
    looks: () => api.calls.filter(([method]) => method === 'status').length,
  };
}
