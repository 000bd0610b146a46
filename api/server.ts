import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { envelope } from './envelope.ts';
import { TEXTS } from './texts.ts';

/** How long a client may take to send a request, in milliseconds: 64 MiB at 5 Mbit/s. */
const REQUEST_TIMEOUT_MS = 120_000;

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

/** Answers what never becomes a request for the app: a target or a Host header that makes no URL. */
function answerError(error: unknown): Response {
  const [status, message] = error instanceof RequestError ? [400, TEXTS.invalid] : [500, TEXTS.internal];
  return Response.json(envelope(status, message, null), {
    status,
    headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  });
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
export async function listen(host: string, port: number): Promise<Listener> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS });
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
