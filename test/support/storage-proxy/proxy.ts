import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { LOOPBACK } from '../../../dev/ports.ts';
import { ConnectionReset, errorAnswer, type Answer } from './answer.ts';
import type { Fault } from './faults.ts';
import { RequestLog, type LoggedRequest } from './request-log.ts';
import { RuleSet, type Matcher, type Rule } from './rules.ts';
import { parseRequest, type StorageRequest } from './storage-request.ts';
import { createStrictStorage } from './strict-storage.ts';
import { createUpstream } from './upstream.ts';

/** A storage emulator made strict, and unreliable where a test wants it. */
export interface StorageProxy {
  /** What STORAGE_EMULATOR_HOST is to be. */
  readonly url: string;
  /** Puts a fault (see faults.ts) in the way of requests: the next `times` ones that match, else all until removed. */
  inject(matcher: Matcher, fault: Fault, options?: { times?: number }): Rule;
  /** Removes all faults; what is held stays held. */
  removeFaults(): void;
  /** How often an object was written: uploads and finished rewrites, whether or not their answers arrived. */
  writes(bucket: string, name: string): number;
  /**
   * The requests that came, in their order; entries under way are completed later. Bounded: the oldest are forgotten, so
   * how many there are at one time says nothing at another.
   */
  requests(matcher?: Matcher): LoggedRequest[];
  /** Gives, each time it is called, the requests that have come since now. Throws where some of these are forgotten. */
  requestsFromNow(matcher?: Matcher): () => LoggedRequest[];
  /** Waits for the next request of a kind to come. */
  nextRequest(matcher: Matcher): Promise<LoggedRequest>;
  /** Breaks all connections. */
  close(): Promise<void>;
}

/** Starts a proxy in front of the emulator at `target`, on a free port. */
export async function startStorageProxy({ target }: { target: string }): Promise<StorageProxy> {
  const upstream = createUpstream(target);
  const carryOut = createStrictStorage(upstream);
  const rules = new RuleSet();
  const log = new RequestLog();

  async function answer(request: StorageRequest): Promise<Answer> {
    return await rules.apply(request, async (leeway = {}) => {
      const outcome = await carryOut(request, leeway);
      if (isWrite(request, outcome)) log.written(request);
      return outcome;
    });
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    let entry: LoggedRequest | undefined;
    try {
      const request = parseRequest(method, url, headers, await buffer(incoming));
      entry = log.arrived(request);
      const outcome = await answer(request);
      log.answered(entry, outcome.status);
      send(response, outcome);
    } catch (error) {
      if (entry !== undefined) log.answered(entry, error instanceof ConnectionReset ? 'reset' : 500);
      if (error instanceof ConnectionReset || response.headersSent) response.socket?.resetAndDestroy();
      else send(response, errorAnswer(500, { message: `defect of the storage proxy: ${String(error)}` }));
    }
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      process.emitWarning(`storage proxy: ${String(error)}`);
    });
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${LOOPBACK}:${port}`,
    inject: (matcher, fault, options) => rules.add(matcher, fault, options),
    removeFaults: () => {
      rules.clear();
    },
    writes: (bucket, name) => log.writes(bucket, name),
    requests: (matcher = {}) => log.requests(matcher),
    requestsFromNow: (matcher = {}) => log.fromNow(matcher),
    nextRequest: (matcher) => log.next(matcher),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      upstream.close();
    },
  };
}

function isWrite({ operation }: StorageRequest, { status, body }: Answer): boolean {
  if (status !== 200) return false;
  if (operation === 'upload') return true;
  return operation === 'rewrite' && (JSON.parse(body.toString()) as { done?: boolean }).done === true;
}

function send(response: ServerResponse, { status, headers, body, stopAfter }: Answer): void {
  response.writeHead(status, { ...headers, ...(status !== 204 && { 'content-length': body.length }) });
  if (stopAfter === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, stopAfter.bytes), () => {
    if (stopAfter.how === 'break') response.socket?.resetAndDestroy();
  });
}
