import { context, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import type { Headers } from '@temporalio/common';
import { carrierIn, contextOf } from './carrier.ts';
import { endFailed } from './spans.ts';

/** An activity's attempt, as far as its span tells of it. */
export interface TracedAttempt {
  activityType: string;
  attempt: number;
  workflowId: string;
}

/** Runs an activity's attempt within a span, in the trace that its headers carry; as it is where they carry none. */
export type ActivitySpans = <T>(attempt: TracedAttempt, headers: Headers, run: () => Promise<T>) => Promise<T>;

/** Makes spans of activities, named as Temporal's own SDKs name them. */
export function activitySpans(tracer: Tracer): ActivitySpans {
  return async ({ activityType, attempt, workflowId }, headers, run) => {
    const carrier = carrierIn(headers);
    if (carrier === undefined) return await run();
    const attributes = { temporalWorkflowID: workflowId, 'apollo.attempt': attempt };
    const parent = contextOf(carrier);
    const span = tracer.startSpan(`RunActivity:${activityType}`, { kind: SpanKind.SERVER, attributes }, parent);
    try {
      const result = await context.with(trace.setSpan(parent, span), run);
      span.end();
      return result;
    } catch (error) {
      endFailed(span, error);
      throw error;
    }
  };
}
