import { context, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { TRACE_HEADER, type TraceCarrier } from '../contract/tracing.ts';

/** The one format in use, whatever a program that this is part of has set: W3C Trace Context. */
const FORMAT = new W3CTraceContextPropagator();

const FIELDS = {
  get: (carrier: TraceCarrier, key: string) => carrier[key as keyof TraceCarrier],
  keys: (carrier: TraceCarrier) => Object.keys(carrier),
};

/** The trace that is now going on, to be taken along; empty where there is none. */
export function currentCarrier(active: Context = context.active()): TraceCarrier {
  const carrier: TraceCarrier = {};
  FORMAT.inject(active, carrier, {
    set: (target: TraceCarrier, key, value: string) => {
      target[key as keyof TraceCarrier] = value;
    },
  });
  return carrier;
}

/** What a carrier says; the root context where it says nothing. */
export function contextOf(carrier: TraceCarrier): Context {
  return FORMAT.extract(ROOT_CONTEXT, carrier, FIELDS);
}

/** Temporal's headers, with this trace among them. */
export function withCarrier(headers: Headers, carrier: TraceCarrier): Headers {
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}

/** The trace that Temporal's headers carry; undefined: none. */
export function carrierIn(headers: Headers): TraceCarrier | undefined {
  const payload = headers[TRACE_HEADER];
  return payload && (defaultPayloadConverter.fromPayload<TraceCarrier | null>(payload) ?? undefined);
}
