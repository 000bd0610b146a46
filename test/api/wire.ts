import { once } from 'node:events';
import { connect } from 'node:net';
import type { Listener } from '../../api/server.ts';

/** An answer as its bytes say it. */
export interface WireAnswer {
  status: number;
  /** Names in small letters. */
  headers: ReadonlyMap<string, string>;
  text: string;
}

/** Sends bytes to a server, and gives the answer once the server has closed the connection. */
export async function exchange(listener: Listener, bytes: string): Promise<WireAnswer> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('data', (part: string) => (text += part));
  // What the server does not read of a long request ends in a reset, behind the answer.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  const [head = ''] = text.split('\r\n\r\n', 1);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
    }),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, text };
}

/** The bytes of a request, after which the server is to close the connection. */
export function bytesOf(method: string, target: string, headers: Record<string, string> = {}, body = ''): string {
  const all = {
    host: 'apollo',
    connection: 'close',
    ...(body !== '' && { 'content-length': body.length }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${String(value)}`);
  return [`${method} ${target} HTTP/1.1`, ...lines, '', body].join('\r\n');
}
