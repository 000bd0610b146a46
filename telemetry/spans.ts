import { SpanStatusCode, type Span } from '@opentelemetry/api';

/** Ends a span as failed, with the sentence that says why; no stack, which would only tell of this program. `endTime`: milliseconds. */
export function endFailed(span: Span, error: unknown, endTime?: number): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  span.end(endTime);
}
