import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A span as a collector is told of it. */
export interface CollectedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: string | number };
}

interface Delivery {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        attributes: Attribute[];
        startTimeUnixNano: string;
        endTimeUnixNano: string;
      }[];
    }[];
  }[];
}

/** A collector of traces (OTLP over HTTP): takes what is sent as JSON apart, and keeps what is sent in other ways. */
export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const deliveries: { path: string | undefined; contentType: string | undefined; length: number }[] = [];
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const contentType = request.headers['content-type'];
    deliveries.push({ path: request.url, contentType, length: body.length });
    if (contentType === 'application/json') spans.push(...spansOf(JSON.parse(body) as Delivery));
    response.setHeader('content-type', contentType ?? '').end();
  }
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    deliveries,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function spansOf({ resourceSpans }: Delivery): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = mapOf(resource.attributes).get('service.name') ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId = '', attributes, startTimeUnixNano, endTimeUnixNano }) => ({
        ...{ service, name, traceId, spanId, parentSpanId, attributes: mapOf(attributes) },
        startedAt: Number(BigInt(startTimeUnixNano) / 1_000_000n),
        endedAt: Number(BigInt(endTimeUnixNano) / 1_000_000n),
      })),
    );
  });
}

function mapOf(attributes: Attribute[]): Map<string, string> {
  return new Map(attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue)]));
}
