import { context, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { TraceCarrier } from '../contract/tracing.ts';
import { contextOf } from './carrier.ts';

/** A request as it comes in. */
export interface IncomingRequest {
  method: string;
  /** What the caller's own trace says, of the headers of that name. */
  carrier: TraceCarrier;
}

/** What is known of a request once it is answered. */
export interface AnsweredRequest {
  /** The route's pattern. */
  route: string;
  status: number;
  correlationId: string | undefined;
}

/** Answers a request within a span of its own, in the caller's trace where there is one. */
export type RequestSpans = (request: IncomingRequest, answer: () => Promise<AnsweredRequest>) => Promise<void>;

/** Makes spans of HTTP requests (opentelemetry.io/docs/specs/semconv/http/http-spans). */
export function requestSpans(tracer: Tracer): RequestSpans {
  return async ({ method, carrier }, answer) => {
    const attributes = { 'http.request.method': method };
    const parent = contextOf(carrier);
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    try {
      const { route, status, correlationId } = await context.with(trace.setSpan(parent, span), answer);
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
      if (correlationId !== undefined) span.setAttribute('apollo.correlation_id', correlationId);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    } finally {
      span.end();
    }
  };
}
