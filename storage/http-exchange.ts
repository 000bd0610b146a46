import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { connectionError, responseError } from './errors.ts';

/** A successful answer, whole. */
export interface HttpAnswer {
  body: string;
  header(name: string): string | undefined;
}

/**
 * One request and its answer, as the connection tells of it. It stands in for the HTTP client's own answer with a stream
 * in it, which costs as much again as the request (measured: 27 against 21 µs).
 */
export class HttpExchange implements Dispatcher.DispatchHandler, HttpAnswer {
  /** Settles once the answer is whole; rejects with a StorageError for every answer but success. */
  readonly answer: Promise<HttpAnswer>;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #received: Buffer | Buffer[] | undefined;
  body = '';
  readonly #end: ((error?: unknown) => void) | undefined;

  /** `end`: called, before the answer settles, with what the request failed with, or nothing. */
  constructor(end?: (error?: unknown) => void) {
    this.#end = end;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  // The connection takes only handlers that have this method.
  onRequestStart(): void {
    this.#received = undefined;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, data: Buffer): void {
    if (this.#received === undefined) this.#received = data;
    else if (Array.isArray(this.#received)) this.#received.push(data);
    else this.#received = [this.#received, data];
  }

  onResponseEnd(): void {
    const received = Array.isArray(this.#received) ? Buffer.concat(this.#received) : this.#received;
    this.body = received === undefined ? '' : received.toString();
    this.#received = undefined;
    if (this.#status < 300) {
      this.#end?.();
      this.#resolve(this);
    } else this.#fail(responseError(this.#status, this.body, this.header('retry-after')));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(connectionError(error));
  }

  #fail(error: unknown): void {
    this.#end?.(error);
    this.#reject(error);
  }
}
