import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { connectionError, StorageError } from '../errors.ts';
import { AnswerParser, type WireAnswer } from './answer-parser.ts';

/** Where requests go. */
export interface Target {
  isSecure: boolean;
  host: string;
  port: number;
  /** Of the TLS connection before: the next one begins with it, which is cheaper. */
  session?: Buffer;
}

/** Who waits for an answer. Exactly one of the two is called, once. They must not throw. */
export interface Receiver {
  answered(answer: WireAnswer): void;
  /** With a StorageError `unavailable`; the request may have been carried out all the same. */
  failed(error: unknown): void;
}

/** Who has made a connection, and gives it its requests. */
export interface Keeper {
  /** A request has ended, one way or the other. It may be given another one where it is not closed. */
  ended(connection: Connection): void;
  /** It must not be given any more. */
  closed(connection: Connection): void;
}

/** Bytes that one read takes: an answer to a rewrite has about a thousand with its head. */
const READ_BYTES = 16 * 1024;

/**
 * A request that waits for longer until it can be sent, in milliseconds, is not sent any more: the process may have been
 * stopped meanwhile, and whoever looked before whether it may still be sent has to look again.
 */
const UNSENT_MS = 4_000;

/** Why a request is not to be sent any more that was to be sent then; undefined: it is. */
export function lateBy(since: number): StorageError | undefined {
  const waited = performance.now() - since;
  if (waited < UNSENT_MS) return undefined;
  return new StorageError('unavailable', `the request could not be sent for ${Math.round(waited)} ms`);
}

/**
 * One kept-alive connection, which carries one request at a time. Bytes are read into one buffer of its own and the
 * answer is told at once: no stream, no promise, and no timer a request. It keeps no process alive.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #keeper: Keeper;
  readonly #parser = new AnswerParser();
  #receiver: Receiver | undefined;
  /** What waits for the connection to stand. */
  #pending: string | undefined;
  #isOpen = false;
  #isClosed = false;
  /** When storage last gave a sign, or a request was sent, in milliseconds by the monotonic clock. */
  lastSign = performance.now();

  constructor(target: Target, keeper: Keeper) {
    const { isSecure, host, port, session } = target;
    this.#keeper = keeper;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, buffer: Uint8Array) => {
        this.#take(buffer as Buffer, length);
        return true;
      },
    };
    const options = { host, port, noDelay: true, onread };
    if (isSecure) {
      // An address is no server name (RFC 6066, section 3).
      const servername = isIP(host) === 0 ? host : '';
      const tls = connectTls({ ...options, servername, ALPNProtocols: ['http/1.1'], ...(session && { session }) });
      tls.on('session', (next) => {
        target.session = next;
      });
      this.#socket = tls;
    } else this.#socket = connectTcp(options);
    this.#socket
      .unref()
      .on(isSecure ? 'secureConnect' : 'connect', () => {
        this.#opened();
      })
      .on('error', (error) => {
        this.close(error);
      })
      // Half-closed is as good as closed: nothing more will be answered.
      .on('end', () => {
        this.#ended();
      })
      .on('close', () => {
        this.#ended();
      });
  }

  get isBusy(): boolean {
    return this.#receiver !== undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends a request, whole: its head and, where it has one, its body. Only where none is under way. */
  send(request: string, receiver: Receiver): void {
    this.#receiver = receiver;
    this.lastSign = performance.now();
    if (this.#isOpen) this.#socket.write(request, 'latin1');
    else this.#pending = request;
  }

  /** Closes it, at once; a request under way fails with this error. */
  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#keeper.closed(this);
    this.#takeReceiver()?.failed(connectionError(error));
  }

  #opened(): void {
    this.#isOpen = true;
    // Nothing has come since it was to be sent.
    const late = lateBy(this.lastSign);
    if (late !== undefined) {
      this.close(late);
      return;
    }
    this.lastSign = performance.now();
    if (this.#pending === undefined) return;
    this.#socket.write(this.#pending, 'latin1');
    this.#pending = undefined;
  }

  #take(buffer: Buffer, length: number): void {
    if (this.#isClosed) return;
    this.lastSign = performance.now();
    let answer: WireAnswer | undefined;
    try {
      // Where nobody has asked, it would be taken for the answer to the next request.
      if (this.#receiver === undefined) throw ended('storage spoke unasked');
      answer = this.#parser.take(buffer.subarray(0, length));
    } catch (error) {
      this.close(error);
      return;
    }
    if (answer !== undefined) this.#answer(answer);
  }

  #answer(answer: WireAnswer): void {
    // Free before the answer is told, so that what is sent because of it goes over the same connection.
    const receiver = this.#takeReceiver();
    if (!this.#parser.isKeptAlive) this.close(undefined);
    receiver?.answered(answer);
  }

  #takeReceiver(): Receiver | undefined {
    const receiver = this.#receiver;
    if (receiver === undefined) return undefined;
    this.#receiver = undefined;
    this.#keeper.ended(this);
    return receiver;
  }

  #ended(): void {
    if (this.#isClosed) return;
    const answer = this.#parser.end();
    if (answer !== undefined) this.#answer(answer);
    else this.close(ended(`the connection ended ${this.#parser.hasBegun ? 'in the middle of' : 'before'} the answer`));
  }
}

function ended(what: string): StorageError {
  return new StorageError('unavailable', what);
}
