import { context, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import type { Headers } from '@temporalio/common';
import { currentCarrier, withCarrier } from './carrier.ts';
import { endFailed } from './spans.ts';

interface StartInput {
  readonly workflowType: string;
  readonly headers: Headers;
  readonly options: { readonly workflowId?: string };
}

interface UpdateWithStartInput {
  readonly workflowType: string;
  readonly workflowStartHeaders: Headers;
  readonly workflowStartOptions: { readonly workflowId?: string };
}

/** What Temporal's client is to do around the start of a workflow (WorkflowClientInterceptor). */
export interface StartSpans {
  startWithDetails<I extends StartInput, T>(input: I, next: (input: I) => Promise<T>): Promise<T>;
  startUpdateWithStart<I extends UpdateWithStartInput, T>(input: I, next: (input: I) => Promise<T>): Promise<T>;
}

/** Makes a span of each start of a workflow, within the trace that goes on, and has the workflow take it along. */
export function startSpans(tracer: Tracer): StartSpans {
  async function inSpan<T>(name: string, workflowId: string | undefined, start: () => Promise<T>): Promise<T> {
    const attributes = workflowId === undefined ? {} : { temporalWorkflowID: workflowId };
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
    try {
      const started = await context.with(trace.setSpan(context.active(), span), start);
      span.end();
      return started;
    } catch (error) {
      endFailed(span, error);
      throw error;
    }
  }
  return {
    startWithDetails: (input, next) =>
      inSpan(`StartWorkflow:${input.workflowType}`, input.options.workflowId, () =>
        next({ ...input, headers: withCarrier(input.headers, currentCarrier()) }),
      ),
    startUpdateWithStart: (input, next) =>
      inSpan(`UpdateWithStartWorkflow:${input.workflowType}`, input.workflowStartOptions.workflowId, () =>
        next({ ...input, workflowStartHeaders: withCarrier(input.workflowStartHeaders, currentCarrier()) }),
      ),
  };
}
