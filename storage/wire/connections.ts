import { StorageError } from '../errors.ts';
import { Connection, lateBy, type Keeper, type Receiver, type Target } from './connection.ts';

/** By default an idle connection is closed after this, in milliseconds: before a server would, whose word may cross a request. */
const IDLE_MS = 4_000;

/** Between two looks at what takes too long, in milliseconds, at most. */
const LOOK_EVERY_MS = 1_000;

export interface ConnectionsOptions {
  /** Scheme, host and port. */
  origin: string;
  /** A request fails that storage has given no sign of for longer, in milliseconds; it may have been carried out. */
  timeoutMs: number;
  /** A connection without a request is closed after so many milliseconds. */
  idleMs?: number;
}

/**
 * Kept-alive connections to one host, as many as there are requests under way. The one that was used last is used first,
 * so that those that are not needed any more are closed.
 */
export class Connections implements Keeper {
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  #timer: NodeJS.Timeout | undefined;
  #underWay = 0;
  #outgoing: { request: string; receiver: Receiver }[] = [];
  /** When the first of these was to be sent. */
  #outgoingSince = 0;

  constructor({ origin, timeoutMs, idleMs = IDLE_MS }: ConnectionsOptions) {
    const { protocol, hostname, port } = new URL(origin);
    const isSecure = protocol === 'https:';
    // The brackets of an IPv6 address are the URL's alone.
    const host = hostname.replace(/^\[|\]$/g, '');
    this.#target = { isSecure, host, port: port === '' ? (isSecure ? 443 : 80) : Number(port) };
    this.#timeoutMs = timeoutMs;
    this.#idleMs = idleMs;
  }

  /**
   * Sends a request, once: head and body as they are to go over the connection, in Latin-1. It goes with all others that
   * come of what has arrived by now: a server that is woken for each of them by itself, and sleeps in between, takes the
   * time that it costs from whoever shares its processors.
   */
  send(request: string, receiver: Receiver): void {
    // Only what is under way keeps the process alive.
    if (this.#underWay++ === 0) this.#timer?.ref();
    if (this.#outgoing.push({ request, receiver }) > 1) return;
    this.#outgoingSince = performance.now();
    setImmediate(this.#flush);
  }

  readonly #flush = () => {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    const late = lateBy(this.#outgoingSince);
    for (const { request, receiver } of outgoing) {
      if (late === undefined) (this.#idle.pop() ?? this.#open()).send(request, receiver);
      else this.#fail(receiver, late);
    }
  };

  /** Fails a request that no connection was given. */
  #fail(receiver: Receiver, error: StorageError): void {
    if (--this.#underWay === 0) this.#timer?.unref();
    receiver.failed(error);
  }

  ended(connection: Connection): void {
    if (--this.#underWay === 0) this.#timer?.unref();
    if (!connection.isClosed) this.#idle.push(connection);
  }

  closed(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #open(): Connection {
    const connection = new Connection(this.#target, this);
    this.#all.add(connection);
    this.#timer ??= setInterval(
      () => {
        this.#look();
      },
      Math.min(this.#timeoutMs / 4, this.#idleMs / 4, LOOK_EVERY_MS),
    );
    return connection;
  }

  /** Closes what has been idle for long, and what storage has given no sign on for too long. */
  #look(): void {
    const now = performance.now();
    for (const connection of this.#all) {
      const silentMs = now - connection.lastSign;
      if (!connection.isBusy) {
        if (silentMs >= this.#idleMs) connection.close(undefined);
      } else if (silentMs >= this.#timeoutMs) {
        connection.close(new StorageError('unavailable', `storage gave no sign for ${Math.round(silentMs)} ms`));
      }
    }
  }
}
