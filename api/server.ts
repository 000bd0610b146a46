import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import { envelope } from './envelope.ts';
import { SERVER_LIMITS, type ServerLimits } from './limits.ts';
import { SECURITY_HEADERS } from './middleware/security-headers.ts';
import { TEXTS } from './texts.ts';

/** How often a closing server looks for connections that have become idle, in milliseconds. */
const IDLE_CHECK_MS = 50;

export interface Listener {
  /** The address the server listens on, such as http://127.0.0.1:8080. */
  url: string;
  /** Starts to answer; to be called in the turn in which `listen` resolves, before any request can have come in. */
  answer(fetch: (request: Request) => Response | Promise<Response>): void;
  /** Stops accepting, lets what is in flight finish, and after `graceMs` milliseconds cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** What the app's own answers carry, too. */
const HEADERS = { ...SECURITY_HEADERS, 'cache-control': 'no-store' };

/** Answers what never becomes a request for the app: a target or a Host header that makes no URL. */
function answerError(error: unknown): Response {
  const [status, message] = error instanceof RequestError ? [400, TEXTS.invalid] : [500, TEXTS.internal];
  return Response.json(envelope(status, message, null), { status, headers: HEADERS });
}

/** The answer to what is no request, or does not become one in time, as bytes: there is no response object then. */
function rawAnswer(code: string | undefined): string {
  const [status, reason, message] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ([408, 'Request Timeout', TEXTS.tooSlow] as const)
      : code === 'HPE_HEADER_OVERFLOW'
        ? ([431, 'Request Header Fields Too Large', TEXTS.invalid] as const)
        : ([400, 'Bad Request', TEXTS.invalid] as const);
  const body = JSON.stringify(envelope(status, message, null));
  return [
    `HTTP/1.1 ${status} ${reason}`,
    'connection: close',
    'content-type: application/json',
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/** Ends a connection on which no further request can be told, after an answer wherever there can be one. */
function refuse(socket: Duplex, code: string | undefined, underWay: Exchange | undefined): void {
  const isAnswering = underWay?.outgoing.headersSent === true;
  // What is being answered must not get a second answer into the first.
  if (!socket.writable || isAnswering) socket.destroy();
  // A request that was whole is answered; what came behind it was none.
  else if (underWay?.incoming.complete === true) underWay.outgoing.shouldKeepAlive = false;
  else socket.end(rawAnswer(code));
}

async function close(server: Server, graceMs: number): Promise<void> {
  // Kept-alive connections become idle one by one, as their answers go out.
  const idle = setInterval(() => {
    server.closeIdleConnections();
  }, IDLE_CHECK_MS);
  const grace = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  clearInterval(idle);
  clearTimeout(grace);
}

/**
 * Takes an address, so that it is known (port 0: a free one) before the app that answers there is made. Rejects with
 * the system's error, such as EADDRINUSE.
 */
export async function listen(host: string, port: number, limits: ServerLimits = SERVER_LIMITS): Promise<Listener> {
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkEveryMs,
  });
  server.timeout = limits.idleConnectionMs;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.maxConnections = limits.connections;
  const underWay = new WeakMap<Duplex, Exchange>();
  server.on('request', (incoming, outgoing) => {
    const { socket } = incoming;
    underWay.set(socket, { incoming, outgoing });
    outgoing.once('close', () => underWay.delete(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(socket, error.code, underWay.get(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    answer(fetch) {
      const listener = getRequestListener(fetch, {
        hostname: host,
        errorHandler: answerError,
      });
      server.on('request', (incoming, outgoing) => {
        // The listener answers its own errors; a rejection would be a defect of it, and the connection is lost then.
        listener(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
      });
    },
    close: (graceMs) => close(server, graceMs),
  };
}
