import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { ConnectionReset, type Answer } from './answer.ts';
import type { StorageRequest } from './storage-request.ts';

/** The storage that the proxy stands in front of. */
export interface Upstream {
  /** Sends a request on as it came, with another target where one is given. Throws ConnectionReset without an answer. */
  send(request: Pick<StorageRequest, 'method' | 'headers' | 'body' | 'target'>): Promise<Answer>;
  /** Generation and size of the live object; undefined where there is none. */
  stat(bucket: string, name: string): Promise<{ generation: string; size: number } | undefined>;
  close(): void;
}

/** Headers that belong to one connection (RFC 9110, section 7.6.1), or that the other side sets by itself. */
const NOT_PASSED_ON = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length', 'date']);

export function createUpstream(baseUrl: string): Upstream {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(baseUrl);

  async function send({ method, headers, body, target }: Parameters<Upstream['send']>[0]): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = { ...passedOn(headers), 'content-length': body.length };
    httpRequest({ agent, hostname, port, method, path: target, headers: outgoing })
      .on('response', resolve)
      .on('error', reject)
      .end(body);
    try {
      const response = await promise;
      const content = await buffer(response);
      return { status: response.statusCode ?? 0, headers: passedOn(response.headers), body: content };
    } catch (error) {
      throw new ConnectionReset('storage did not answer', { cause: error });
    }
  }

  return {
    send,
    async stat(bucket, name) {
      const target = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
      const { status, body } = await send({ method: 'GET', headers: {}, body: Buffer.alloc(0), target });
      if (status === 404) return undefined;
      if (status !== 200) throw new ConnectionReset(`storage answered ${status}`);
      const { generation, size } = JSON.parse(body.toString()) as { generation: string; size: string };
      return { generation, size: Number(size) };
    },
    close() {
      agent.destroy();
    },
  };
}

function passedOn<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.has(name)));
}
