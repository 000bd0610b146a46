import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Everything the embedded stack opens listens here, and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/** The ports that the programs themselves use by default. */
export const USUAL_PORTS = { api: 8080, temporal: 7233, temporalUi: 8233, storage: 4443, issuer: 8085, metrics: 9464 };

/** Chosen below the range that operating systems give to outgoing connections, which could take a port while its part restarts. */
const FREE_PORTS = { from: 20_000, to: 30_000 };
const ATTEMPTS = 100;

interface ChooseOptions {
  /** Takes free ports even where the usual ones are free. */
  anyFree?: boolean;
  /** Asked before a port is tried; false: it belongs to somebody, whether in use just now or not. */
  claim?: (port: number) => Promise<boolean>;
}

/**
 * Chooses a port each: the usual one, or a free one where that is taken. They are held open together while choosing, so
 * no two are the same. Throws where no free port is found.
 */
export async function choosePorts<Name extends string>(
  usual: Readonly<Record<Name, number>>,
  { anyFree = false, claim = () => Promise.resolve(true) }: ChooseOptions = {},
): Promise<Record<Name, number>> {
  const held: Server[] = [];
  const chosen: Record<Name, number> = { ...usual };

  async function take(port: number): Promise<boolean> {
    // Claimed first: holding a port, however briefly, could keep the part from it that it was chosen for.
    if (!(await claim(port))) return false;
    const server = await hold(port);
    if (server !== undefined) held.push(server);
    return server !== undefined;
  }

  async function takeAnother(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const port = randomInt(FREE_PORTS.from, FREE_PORTS.to);
      if (await take(port)) return port;
    }
    throw new Error(`No free port from ${FREE_PORTS.from} to ${FREE_PORTS.to} found in ${ATTEMPTS} attempts`);
  }

  try {
    for (const name of Object.keys(usual) as Name[]) {
      if (anyFree || !(await take(usual[name]))) chosen[name] = await takeAnother();
    }
    return chosen;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function hold(port: number): Promise<Server | undefined> {
  // Whoever connects takes us for somebody else; an open connection would keep the server from closing.
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host: LOOPBACK, exclusive: true });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
