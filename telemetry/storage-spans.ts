import { SpanKind, trace, type Span, type Tracer } from '@opentelemetry/api';
import { statusOf, type StorageObserver } from '../storage/observer.ts';
import { endFailed } from './spans.ts';

/** Requests of one activity, or of one HTTP request, that get a span: a chunk sends thousands. */
const SPANS_EACH = 100;

const BUCKET_AND_OBJECT = /\/b\/([^/]+)\/o(?:\/([^/]+))?/;

/** Makes spans of requests to storage, where a trace goes on; the first hundred of each span around them. */
export function storageSpans(tracer: Tracer): StorageObserver {
  const counts = new WeakMap<Span, number>();
  return {
    sent({ operation, path }) {
      const parent = trace.getActiveSpan();
      if (parent?.isRecording() !== true) return undefined;
      const count = (counts.get(parent) ?? 0) + 1;
      counts.set(parent, count);
      if (count > SPANS_EACH) return undefined;
      const [, bucket, object] = BUCKET_AND_OBJECT.exec(path) ?? [];
      const attributes = {
        ...(bucket !== undefined && { 'gcp.gcs.bucket': decodeURIComponent(bucket) }),
        ...(object !== undefined && { 'gcp.gcs.object': decodeURIComponent(object) }),
      };
      const span = tracer.startSpan(`storage.${operation}`, { kind: SpanKind.CLIENT, attributes });
      return (error) => {
        span.setAttribute('apollo.storage.status', statusOf(error));
        if (error === undefined) span.end();
        else endFailed(span, error);
      };
    },
  };
}
