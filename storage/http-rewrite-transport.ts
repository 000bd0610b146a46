import type { StorageAccess } from './client.ts';
import { noCredentials, responseError, StorageError } from './errors.ts';
import { inTime } from './in-time.ts';
import { UNAUTHORIZED, type AuthorizationHeaders } from './json-api.ts';
import { objectPath, parseAnswer, toObjectInfo, type ObjectRef, type ObjectResource } from './objects.ts';
import type { StorageObserver } from './observer.ts';
import type { RewriteAnswer, RewriteCall, RewriteReceiver, RewriteTransport } from './rewrite-transport.ts';
import type { WireAnswer } from './wire/answer-parser.ts';
import { Connections } from './wire/connections.ts';
import type { Receiver } from './wire/connection.ts';

/** What answers are to hold: all else would be sent, and parsed, for nothing. */
const FIELDS = encodeURIComponent('done,rewriteToken,resource(generation,size,crc32c,timeCreated)');

const API_ROOT = '/storage/v1';

export interface RewriteTransportOptions extends StorageAccess {
  /**
   * A call fails that storage has given no sign of for longer, in milliseconds; it may have been carried out. So does one
   * that credentials are not there for by then.
   */
  timeoutMs: number;
  /** Told of every call. */
  observer?: StorageObserver | undefined;
}

interface RewriteResponse {
  done?: boolean;
  rewriteToken?: string;
  resource?: ObjectResource;
}

/**
 * Rewrites over connections of its own: a request that is one line of text and a few headers, and its answer, taken from
 * the connection as it comes (docs/architecture.md, "Requests to Cloud Storage").
 */
export class HttpRewriteTransport implements RewriteTransport {
  readonly #connections: Connections;
  readonly #options: RewriteTransportOptions;
  readonly #host: string;
  /** The header fields of all requests, as they were written for these credentials. */
  #written: { of: AuthorizationHeaders; fields: string } | undefined;

  constructor(options: RewriteTransportOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
    this.#host = new URL(options.origin).host;
  }

  send(call: RewriteCall, receiver: RewriteReceiver): void {
    const headers = this.#options.authorize();
    if (!(headers instanceof Promise)) {
      this.#send(call, headers, receiver);
      return;
    }
    inTime(headers, this.#options.timeoutMs).then(
      (fetched) => {
        this.#send(call, fetched, receiver);
      },
      (cause: unknown) => {
        this.#deny(call, cause, receiver);
      },
    );
  }

  rewrite(call: RewriteCall): Promise<RewriteAnswer> {
    return new Promise((answered, failed) => {
      this.send(call, { answered, failed });
    });
  }

  #deny(call: RewriteCall, cause: unknown, receiver: RewriteReceiver): void {
    const error = noCredentials(cause);
    try {
      this.#begin(pathOf(call))?.(error);
    } catch (malformed) {
      receiver.failed(malformed);
      return;
    }
    receiver.failed(error);
  }

  /** Tells the observer of a call; what is given back is called when it ends. */
  #begin(path: string): ((error?: unknown) => void) | undefined {
    return this.#options.observer?.sent?.({ operation: 'rewrite', path });
  }

  #send(call: RewriteCall, headers: AuthorizationHeaders, receiver: RewriteReceiver): void {
    let path: string;
    let request: string;
    try {
      path = pathOf(call);
      request = `POST ${path}?${queryOf(call)} HTTP/1.1\r\n${this.#fieldsFor(headers)}\r\n`;
    } catch (error) {
      receiver.failed(error);
      return;
    }
    this.#connections.send(request, new Exchange(call.destination, receiver, this.#options, this.#begin(path)));
  }

  /** The header fields as they go over the connection. Throws TypeError where one of them is malformed. */
  #fieldsFor(headers: AuthorizationHeaders): string {
    if (this.#written?.of !== headers) {
      const fields = new Headers({ ...headers, host: this.#host, 'content-length': '0' });
      this.#written = { of: headers, fields: Array.from(fields, ([name, value]) => `${name}: ${value}\r\n`).join('') };
    }
    return this.#written.fields;
  }
}

/** Throws URIError where a name is no text. */
function pathOf({ source, destination }: RewriteCall): string {
  return `${objectPath(source)}/rewriteTo${objectPath(destination).slice(API_ROOT.length)}`;
}

function queryOf({ source, ifGenerationMatch, rewriteToken }: RewriteCall): string {
  const pins = `sourceGeneration=${encodeURIComponent(source.generation)}&ifGenerationMatch=${encodeURIComponent(ifGenerationMatch)}`;
  const token = rewriteToken === undefined ? '' : `&rewriteToken=${encodeURIComponent(rewriteToken)}`;
  return `${pins}${token}&fields=${FIELDS}`;
}

/** One call under way. */
class Exchange implements Receiver {
  readonly #destination: ObjectRef;
  readonly #receiver: RewriteReceiver;
  readonly #access: StorageAccess;
  readonly #end: ((error?: unknown) => void) | undefined;

  constructor(
    destination: ObjectRef,
    receiver: RewriteReceiver,
    access: StorageAccess,
    end: ((error?: unknown) => void) | undefined,
  ) {
    this.#destination = destination;
    this.#receiver = receiver;
    this.#access = access;
    this.#end = end;
  }

  answered({ status, body, retryAfter }: WireAnswer): void {
    if (status < 200 || status >= 300) {
      if (status === UNAUTHORIZED) this.#access.refused();
      this.failed(responseError(status, body, retryAfter));
      return;
    }
    let answer: RewriteAnswer;
    try {
      answer = toRewriteAnswer(parseAnswer({ body }) as RewriteResponse, this.#destination);
    } catch (error) {
      this.failed(error);
      return;
    }
    this.#end?.();
    this.#receiver.answered(answer);
  }

  failed(error: unknown): void {
    this.#end?.(error);
    this.#receiver.failed(error);
  }
}

function toRewriteAnswer(response: RewriteResponse, destination: ObjectRef): RewriteAnswer {
  const { done, resource, rewriteToken = '' } = response;
  if (done === true && resource !== undefined) return { done, object: toObjectInfo(resource, destination) };
  if (rewriteToken === '') throw new StorageError('unavailable', 'the answer to a rewrite was cut short');
  return { done: false, rewriteToken };
}
