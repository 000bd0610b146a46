import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageError } from './errors.ts';
import type { ObjectInfo } from './objects.ts';

/** Bytes that wait for storage before `write` makes its caller wait. */
const BUFFER_BYTES = 256 * 1024;

/**
 * An object's content on its way to storage, in one request whose length is not known before its end
 * (cloud.google.com/storage/docs/streaming-uploads): the object is there once the end has been answered, and not at all
 * before. Nothing is repeated, since nothing is kept. Every method throws StorageError.
 */
export class ObjectUpload {
  readonly #content = new PassThrough({ highWaterMark: BUFFER_BYTES });
  readonly #answer: Promise<ObjectInfo>;
  /** Rejects once the request has failed; there is no other end before that of the content. */
  readonly #failed: Promise<never>;
  readonly #timeoutMs: number;

  /** `send` sends the request with this content; `timeoutMs` bounds each wait for storage to take more, or to answer. */
  constructor(send: (content: PassThrough) => Promise<ObjectInfo>, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    // What goes wrong on the way is told by the answer, to whoever waits for it next.
    this.#content.on('error', () => undefined);
    this.#answer = send(this.#content);
    this.#failed = this.#answer.then(() => {
      throw new StorageError('unavailable', 'storage answered before the end of an upload');
    });
    this.#failed.catch(() => undefined);
  }

  /** Sends more content, as UTF-8. Resolves once storage has taken enough of it for there to be room for more. */
  async write(text: string): Promise<void> {
    if (this.#content.destroyed) await this.#failed;
    if (this.#content.write(text)) return;
    const drained = new Promise<void>((resolve) => {
      this.#content.once('drain', resolve);
    });
    await this.#inTime(Promise.race([drained, this.#failed]));
  }

  /** Ends the content; gives the object that it has become. */
  async close(): Promise<ObjectInfo> {
    this.#content.end();
    return await this.#inTime(this.#answer);
  }

  /** Breaks the request off; without its end there is no object. Never throws. */
  async abort(): Promise<void> {
    this.#content.destroy();
    await this.#answer.catch(() => undefined);
  }

  async #inTime<T>(wait: Promise<T>): Promise<T> {
    const waiting = new AbortController();
    const overdue = delay(this.#timeoutMs, undefined, { signal: waiting.signal }).then(async () => {
      await this.abort();
      throw new StorageError('unavailable', 'storage did not go on with an upload in time');
    });
    try {
      return await Promise.race([wait, overdue]);
    } finally {
      waiting.abort();
    }
  }
}
