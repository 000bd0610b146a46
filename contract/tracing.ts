/** How a trace goes along with a job: in Temporal's headers, under the name that Temporal's own SDKs use. */
export const TRACE_HEADER = '_tracer-data';

/** What the header holds, as JSON: the fields of W3C Trace Context (w3.org/TR/trace-context). */
export interface TraceCarrier {
  traceparent?: string;
  tracestate?: string;
}

/** What a run of a workflow tells when it ends, for its span. */
export interface RunTrace {
  /** The trace it is part of, as its header said. */
  carrier: TraceCarrier;
  /** The id of its own span. */
  spanId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
  /** What it failed with; undefined: it did not. */
  failure?: string;
}

/** `00-{trace id}-{span id}-{flags}` */
const TRACEPARENT = /^(00-[0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * The id of the span of a workflow's run, made of the run's id: the same in each replay, and without a draw from the
 * workflow's random numbers, whose order others rely on.
 */
export function spanIdOfRun(runId: string): string {
  return runId.replaceAll('-', '').slice(-16).toLowerCase();
}

/** The same trace, seen from this span; a carrier that is no W3C one goes on as it is. */
export function carrierOfSpan(carrier: TraceCarrier, spanId: string): TraceCarrier {
  const [, trace, flags] = TRACEPARENT.exec(carrier.traceparent ?? '') ?? [];
  return trace === undefined || flags === undefined
    ? carrier
    : { ...carrier, traceparent: `${trace}-${spanId}-${flags}` };
}
