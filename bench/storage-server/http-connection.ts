import type { Socket } from 'node:net';
import { decodePercent } from './byte-text.ts';
import { ChunkedBody } from './chunked-body.ts';

/**
 * HTTP/1.1 read and written by hand: node:http takes several times the CPU that an operation here does, and the machine
 * that is measured is the one that serves. Only what well-behaved clients send; heads are byte texts.
 */
export interface HttpRequest {
  method: string;
  /** Still percent-encoded. */
  path: string;
  /** Decoded, as byte texts. */
  query: Readonly<Record<string, string>>;
  header: (name: string) => string | undefined;
  body: Buffer;
}

export interface HttpAnswer {
  status: number;
  /** Beside content-type and content-length. */
  headers?: Readonly<Record<string, string>>;
  contentType?: string;
  /** A byte text, or bytes as they are. */
  body: string | Buffer;
}

/** Answers one request; `answer` may be called later, once. `reset`: the connection breaks, without an answer. */
export type HttpHandler = (request: HttpRequest, answer: (answer: HttpAnswer | 'reset') => void) => void;

const HEAD_END = '\r\n\r\n';
const NOTHING = Buffer.alloc(0);

/** Serves one connection, a request at a time: one that is sent ahead waits for its turn. */
export function serveConnection(socket: Socket, handle: HttpHandler): void {
  let received: Buffer = NOTHING;
  let head: RequestHead | undefined;
  let isBusy = false;
  let isProceeding = false;
  /** Bytes of a long body as they come: putting them together once is enough. */
  let pieces: Buffer[] = [];
  let piecesLength = 0;

  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    piecesLength += chunk.length;
    proceed();
  });
  // A client that breaks off is none of the server's business; what it asked for has been done.
  socket.on('error', () => socket.destroy());

  function proceed(): void {
    isProceeding = true;
    while (!isBusy && takeRequest());
    isProceeding = false;
  }

  /** Hands over the next request; false: not all of it is there yet. */
  function takeRequest(): boolean {
    if (head !== undefined && head.chunked === undefined && received.length + piecesLength < head.contentLength)
      return false;
    if (piecesLength > 0) {
      const [first = NOTHING] = pieces;
      received = received.length === 0 && pieces.length === 1 ? first : Buffer.concat([received, ...pieces]);
      pieces = [];
      piecesLength = 0;
    }
    head ??= takeHead();
    if (head === undefined) return false;
    const body = takeBody(head);
    if (body === undefined) return false;
    const { request, isLast } = head;
    head = undefined;
    isBusy = true;
    handle({ ...request, body }, (answer) => {
      if (answer === 'reset') {
        socket.resetAndDestroy();
        return;
      }
      isBusy = false;
      write(socket, answer);
      if (isLast) socket.end();
      else if (!isProceeding) proceed();
    });
    return true;
  }

  function takeHead(): RequestHead | undefined {
    const end = received.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const parsed = parseHead(received.toString('latin1', 0, end));
    received = received.subarray(end + HEAD_END.length);
    if (parsed.expectsContinue) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    return parsed;
  }

  function takeBody({ contentLength, chunked }: RequestHead): Buffer | undefined {
    if (chunked !== undefined) {
      const { rest, isComplete } = chunked.take(received);
      received = rest;
      return isComplete ? chunked.content() : undefined;
    }
    if (contentLength === 0) return NOTHING;
    if (received.length < contentLength) return undefined;
    const body = received.subarray(0, contentLength);
    received = received.subarray(contentLength);
    return body;
  }
}

interface RequestHead {
  request: Omit<HttpRequest, 'body'>;
  contentLength: number;
  /** Where the body comes in chunks: those that have come. */
  chunked: ChunkedBody | undefined;
  expectsContinue: boolean;
  isLast: boolean;
}

function parseHead(text: string): RequestHead {
  const lineEnd = text.indexOf('\r\n');
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const methodEnd = line.indexOf(' ');
  const method = line.slice(0, methodEnd);
  const target = line.slice(methodEnd + 1, line.lastIndexOf(' '));
  const queryAt = target.indexOf('?');
  const header = (name: string) => new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, 'i').exec(text)?.[1];
  const mayHaveBody = method !== 'GET' && method !== 'DELETE';
  return {
    request: {
      method,
      path: queryAt < 0 ? target : target.slice(0, queryAt),
      query: queryAt < 0 ? {} : parseQuery(target.slice(queryAt + 1)),
      header,
    },
    contentLength: mayHaveBody ? Number(/\r\ncontent-length:\s*(\d+)/i.exec(text)?.[1] ?? 0) : 0,
    chunked: mayHaveBody && /\r\ntransfer-encoding:\s*chunked/i.test(text) ? new ChunkedBody() : undefined,
    expectsContinue: mayHaveBody && /\r\nexpect:\s*100-continue/i.test(text),
    isLast: /\r\nconnection:\s*close/i.test(text),
  };
}

function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const part of text.split('&')) {
    const valueAt = part.indexOf('=');
    if (valueAt > 0) query[part.slice(0, valueAt)] = decodePercent(part.slice(valueAt + 1), { inQuery: true });
  }
  return query;
}

function write(socket: Socket, { status, headers, contentType = 'application/json', body }: HttpAnswer): void {
  let head = `HTTP/1.1 ${status} -\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n`;
  if (headers !== undefined) for (const name in headers) head += `${name}: ${headers[name] ?? ''}\r\n`;
  if (typeof body === 'string') {
    socket.write(`${head}\r\n${body}`, 'latin1');
    return;
  }
  socket.cork();
  socket.write(`${head}\r\n`, 'latin1');
  socket.write(body);
  socket.uncork();
}
