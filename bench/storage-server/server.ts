import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { serveConnection, type HttpHandler } from './http-connection.ts';
import { createStorageApi } from './storage-api.ts';

/** A storage server that listens. */
export interface StorageServer {
  /** Without a trailing slash. */
  readonly url: string;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/** Starts a storage server on the loopback address, an empty one by default; port 0: any free one. */
export async function startStorageServer(port = 0, handle: HttpHandler = createStorageApi()): Promise<StorageServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveConnection(socket, handle);
  });
  // Connections come by the hundred at once.
  server.listen({ host: '127.0.0.1', port, backlog: 4_096 });
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
