import type { z } from 'zod';
import { CliError, TimeOverError, UnreachableError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { inOneLine } from '../text.ts';
import { refusalError } from './refusal.ts';
import type { TokenSource } from './token.ts';

/** The API decides within 5 s, and reads the longest body within this time. In milliseconds. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Pauses between tries where nobody says how long to wait, in milliseconds. */
const PAUSES_MS = [300, 1_000, 2_000] as const;

/** The longest that a Retry-After is followed, in milliseconds. */
const MAX_PAUSE_MS = 10_000;

export interface RequestOptions {
  method?: 'GET' | 'POST';
  /** Sent as JSON. */
  body?: string;
  headers?: Readonly<Record<string, string>>;
  /** How often what fails in passing is tried; every request of ours may be repeated. Default: 4 times. */
  tries?: number;
  /** Until the answer is there, in milliseconds. */
  timeoutMs?: number;
  /** When to give up, all tries together, in milliseconds since the epoch: TimeOverError where it does not answer by then. */
  deadline?: number | undefined;
}

/** The API over HTTP. Every method throws CliError; UnreachableError where trying again may help. */
export class ApiClient {
  readonly #baseUrl: string;
  readonly #tokens: TokenSource;
  readonly #context: CliContext;

  constructor(baseUrl: string, tokens: TokenSource, context: CliContext) {
    this.#baseUrl = baseUrl;
    this.#tokens = tokens;
    this.#context = context;
  }

  /** The answer to a request, and its status. */
  async request<S extends z.ZodType>(
    path: string,
    schema: S,
    options: RequestOptions = {},
  ): Promise<{ status: number; answer: z.infer<S> }> {
    const { status, body } = await this.#tried(options, async (signal) => {
      const response = await this.#send(path, options, signal);
      return { status: response.status, body: await response.text() };
    });
    let content: unknown;
    try {
      content = JSON.parse(body);
    } catch (error) {
      throw this.#strange(error);
    }
    const parsed = schema.safeParse(content);
    if (!parsed.success) throw this.#strange(parsed.error);
    return { status, answer: parsed.data };
  }

  /** An answer whose body is read as it comes. */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#tried({}, (signal) => this.#send(path, {}, signal));
    return (
      body ??
      new ReadableStream({
        start: (controller) => {
          controller.close();
        },
      })
    );
  }

  #strange(cause: unknown): CliError {
    return new CliError(EXIT.unreachable, `${this.#baseUrl} does not answer as the Apollo API does`, { cause });
  }

  async #tried<T>(
    { tries = PAUSES_MS.length + 1, timeoutMs = ANSWER_TIMEOUT_MS, deadline = Infinity }: RequestOptions,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, signal } = this.#context;
    for (let tried = 1; ; tried += 1) {
      // Bounds the time until the answer begins: a report may stream for hours.
      const timer = new AbortController();
      const leftMs = deadline - clock.now();
      const timeout = setTimeout(
        () => {
          timer.abort();
        },
        Math.max(0, Math.min(timeoutMs, leftMs)),
      );
      try {
        return await attempt(AbortSignal.any([timer.signal, signal]));
      } catch (thrown) {
        signal.throwIfAborted();
        if (timer.signal.aborted && leftMs <= timeoutMs) {
          throw new TimeOverError(`${this.#baseUrl} has not answered in the time given`, { cause: thrown });
        }
        const error = thrown instanceof CliError ? thrown : this.#connectionError(thrown, timer.signal.aborted);
        if (!(error instanceof UnreachableError) || tried >= tries) throw error;
        const pauseMs = error.retryAfterMs ?? PAUSES_MS[tried - 1] ?? MAX_PAUSE_MS;
        if (clock.now() + Math.min(pauseMs, MAX_PAUSE_MS) >= deadline) throw error;
        await clock.pause(Math.min(pauseMs, MAX_PAUSE_MS), signal);
      } finally {
        clearTimeout(timeout);
      }
    }
  }

  #connectionError(thrown: unknown, isTimeout: boolean): UnreachableError {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    const { code } = cause as { code?: unknown };
    const why = isTimeout ? 'no answer in time' : typeof code === 'string' ? code : inOneLine(cause);
    return new UnreachableError(`${this.#baseUrl} cannot be reached: ${why}`, { cause: thrown });
  }

  async #send(path: string, options: RequestOptions, signal: AbortSignal): Promise<Response> {
    let response = await this.#fetch(path, options, signal, await this.#tokens.token());
    if (response.status === 401 && this.#tokens.isRenewable) {
      // It may have expired while a job was watched.
      await response.body?.cancel();
      response = await this.#fetch(path, options, signal, await this.#tokens.token({ renew: true }));
    }
    if (response.ok) return response;
    throw refusalError(response, await response.text());
  }

  async #fetch(path: string, { method = 'GET', body, headers }: RequestOptions, signal: AbortSignal, token: string) {
    return await fetch(this.#baseUrl + path, {
      method,
      signal,
      // A token is for this API alone, not for where it may lead to.
      redirect: 'manual',
      ...(body !== undefined && { body }),
      headers: {
        ...headers,
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        authorization: `Bearer ${token}`,
      },
    });
  }
}
